// look asks for JSON: "go" when it is there, "stop" when it is gone, "retry" when
// the server cannot tell now.
export async function look(url) {
  try {
    const answer = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (answer.ok) return "go";
    return answer.status === 404 ? "stop" : "retry";
  } catch {
    return "retry";
  }
}
