package redact

import (
	"bytes"
	"regexp"
)

// tokenRules are about tokens with a mark of their maker. Where a maker has published their
// length, that is the least length here, because tokens tend to grow.
func tokenRules() []Rule {
	token := func(name, find, example string, starts ...string) Rule {
		return Rule{Name: name, Find: regexp.MustCompile(find), Starts: starts, Word: true, Example: example,
			Misses: "Tokens of another form."}
	}
	// missing sets what a rule does not catch.
	missing := func(r Rule, misses string) Rule {
		r.Misses = misses
		return r
	}
	// anywhere makes a rule find tokens within words too, because their mark is long enough
	// not to appear by accident.
	anywhere := func(r Rule) Rule {
		r.Word = false
		return r
	}
	return []Rule{
		missing(token("aws-access-key-id", `(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}\b`,
			"AKIA"+made(upper, 16), "AKIA", "ASIA", "ABIA", "ACCA", "A3T"),
			"The secret that belongs to it, without context: see aws-secret-key."),
		missing(anywhere(token("github-token", `gh[pousr]_[A-Za-z0-9]{36,}|ghs_[0-9]+_[A-Za-z0-9_.-]{36,}|github_pat_[A-Za-z0-9_]{22,}`,
			"ghp_"+made(mixed, 36), "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_")),
			"The old ones of 40 hexadecimal digits, which look like a commit."),
		missing(anywhere(token("gitlab-token", `gl(?:pat|oas|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat|ffct|wt)-[A-Za-z0-9_.-]{20,}`,
			"glpat-"+made(mixed, 20), "glpat-", "gloas-", "gldt-", "glrt-", "glrtr-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "glsoat-", "glffct-", "glwt-")),
			"Tokens with a prefix that the instance's owner chose."),
		missing(anywhere(token("slack-token", `xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,}`,
			"xoxb-"+made("1234567890", 12)+"-"+made(mixed, 24), "xox", "xapp-")),
			"Session cookies (d=xoxd-…) with URL escapes: what comes after the first one stays."),
		anywhere(token("slack-webhook", `hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{20,})`,
			"https://hooks.slack.com/services/T00000000/B00000000/"+made(mixed, 24), "hooks.slack.com/")),
		anywhere(token("discord-webhook", `/api/webhooks/[0-9]{10,}/([A-Za-z0-9_-]{40,})`,
			"https://discord.com/api/webhooks/"+made("1234567890", 18)+"/"+made(mixed, 68), "/api/webhooks/")),
		missing(token("stripe-key", `(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/]{24,}={0,2}`,
			"sk_live_"+made(mixed, 24), "sk_live_", "rk_live_", "sk_test_", "rk_test_", "whsec_"),
			"Publishable keys (pk_live_), which are not secret."),
		anywhere(token("anthropic-key", `sk-ant-[A-Za-z0-9_-]{20,}`,
			"sk-ant-api03-"+made(mixed, 93)+"AA", "sk-ant-")),
		missing(token("openai-key", `sk-(?:proj|svcacct|admin|None|or-v1)-[A-Za-z0-9_-]{20,}|sk-[A-Za-z0-9]{32,}`,
			"sk-proj-"+made(mixed, 74)+"T3BlbkFJ"+made(mixed, 74), "sk-"),
			"Keys of services that copy the shape but break it with other signs. Those of OpenRouter and DeepSeek are found."),
		token("google-api-key", `AIza[A-Za-z0-9_-]{35,}`, "AIza"+made(mixed, 35), "AIza"),
		token("google-oauth", `ya29\.[A-Za-z0-9_.-]{20,}|GOCSPX-[A-Za-z0-9_-]{28,}|1//0[A-Za-z0-9_-]{40,}`,
			"GOCSPX-"+made(mixed, 28), "ya29.", "GOCSPX-", "1//0"),
		missing(token("npm-token", `npm_[A-Za-z0-9]{36,}`, "npm_"+made(mixed, 36), "npm_"),
			"The old ones that are UUIDs: in an .npmrc they are an assignment."),
		token("pypi-token", `pypi-[A-Za-z0-9_-]{50,}`, "pypi-AgEIcHlwaS5vcmc"+made(mixed, 60), "pypi-"),
		token("rubygems-key", `rubygems_[a-f0-9]{48,}`, "rubygems_"+made(hexa, 48), "rubygems_"),
		token("crates-io-token", `cio[A-Za-z0-9]{32}\b`, "cio"+made(mixed, 32), "cio"),
		token("docker-token", `dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}`, "dckr_pat_"+made(mixed, 27), "dckr_"),
		token("hugging-face-token", `(?:hf|api_org)_[A-Za-z0-9]{30,}`, "hf_"+made(mixed, 34), "hf_", "api_org_"),
		token("replicate-token", `r8_[A-Za-z0-9]{37,}`, "r8_"+made(mixed, 37), "r8_"),
		token("groq-key", `gsk_[A-Za-z0-9]{40,}`, "gsk_"+made(mixed, 52), "gsk_"),
		token("xai-key", `xai-[A-Za-z0-9]{60,}`, "xai-"+made(mixed, 80), "xai-"),
		token("perplexity-key", `pplx-[A-Za-z0-9]{40,}`, "pplx-"+made(mixed, 48), "pplx-"),
		token("digitalocean-token", `do[opr]_v1_[a-f0-9]{64,}`, "dop_v1_"+made(hexa, 64), "dop_v1_", "doo_v1_", "dor_v1_"),
		token("sendgrid-key", `SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}`, "SG."+made(mixed, 22)+"."+made(mixed, 43), "SG."),
		missing(token("twilio-key", `SK[0-9a-f]{32}\b`, "SK"+made(hexa, 32), "SK"),
			"The account's auth token, which is 32 hexadecimal digits, without context."),
		token("mailgun-key", `key-[0-9a-f]{32}\b`, "key-"+made(hexa, 32), "key-"),
		token("shopify-token", `shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32,}`, "shpat_"+made(hexa, 32), "shpat_", "shpca_", "shppa_", "shpss_"),
		token("square-token", `sq0(?:atp|csp)-[A-Za-z0-9_-]{22,}`, "sq0atp-"+made(mixed, 22), "sq0"),
		token("atlassian-token", `AT[AC]TT3[A-Za-z0-9_=-]{50,}`, "ATATT3"+made(mixed, 180), "ATATT3", "ATCTT3"),
		token("linear-key", `lin_(?:api|oauth)_[A-Za-z0-9]{32,}`, "lin_api_"+made(mixed, 40), "lin_"),
		token("notion-token", `ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43}\b`, "ntn_"+made(mixed, 46), "ntn_", "secret_"),
		token("databricks-token", `dapi[a-f0-9]{32}\b`, "dapi"+made(hexa, 32), "dapi"),
		missing(token("vault-token", `hv[sbr]\.[A-Za-z0-9_-]{24,}`, "hvs."+made(mixed, 90), "hvs.", "hvb.", "hvr."),
			"The old ones that begin with s. and b."),
		missing(anywhere(token("terraform-token", `\.atlasv1\.[A-Za-z0-9_=-]{60,}`, made(mixed, 14)+".atlasv1."+made(mixed, 67), ".atlasv1.")),
			"The 14 characters before .atlasv1., which only name the token."),
		token("grafana-token", `glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,}={0,2}`,
			"glsa_"+made(mixed, 32)+"_"+made(hexa, 8), "glsa_", "glc_"),
		token("new-relic-key", `NRAK-[A-Z0-9]{27,}`, "NRAK-"+made(upper, 27), "NRAK-"),
		token("doppler-token", `dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{40,}`, "dp.pt."+made(mixed, 43), "dp."),
		token("pulumi-token", `pul-[a-f0-9]{40,}`, "pul-"+made(hexa, 40), "pul-"),
		token("fly-token", `fo1_[A-Za-z0-9_-]{40,}|fm[12][ar]?_[A-Za-z0-9+/_-]{80,}={0,2}`, "fm2_"+made(mixed, 120), "fo1_", "fm1", "fm2"),
		token("supabase-key", `sbp_[a-f0-9]{40,}|sb_secret_[A-Za-z0-9_-]{20,}`, "sbp_"+made(hexa, 40), "sbp_", "sb_secret_"),
		token("planetscale-token", `pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_=.-]{32,}`, "pscale_tkn_"+made(mixed, 43), "pscale_"),
		token("1password-token", `ops_eyJ[A-Za-z0-9+/_-]{80,}={0,3}`, "ops_eyJ"+made(mixed, 250), "ops_eyJ"),
		missing(Rule{
			Name: "telegram-bot-token", Starts: []string{":AA"},
			Find:    regexp.MustCompile(`:(AA[A-Za-z0-9_-]{33})\b`),
			Example: made("1234567890", 10) + ":AA" + made(mixed, 33),
		}, "The number before the colon, which only names the bot."),
		missing(Rule{
			Name: "azure-client-secret", Starts: azureClientSecretStarts(),
			Find:    regexp.MustCompile(`[0-9]Q~[A-Za-z0-9_.~-]{31,}`),
			Example: made(mixed, 3) + "8Q~" + made(mixed, 34),
		}, "Its first three characters."),
		{
			Name: "jwt", Starts: []string{"eyJ"}, Word: true,
			// The whole run is matched even if it has no dots, so that it is read once.
			Find:      regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*){0,4}`),
			plausible: func(_, secret []byte) bool { return bytes.Count(secret, []byte(".")) >= 2 },
			Example:   "eyJ" + made(mixed, 33) + ".eyJ" + made(mixed, 40) + "." + made(mixed, 43),
			Misses:    "One whose first part is not that of a JSON object without white space.",
		},
	}
}

func azureClientSecretStarts() (starts []string) {
	for d := '0'; d <= '9'; d++ {
		starts = append(starts, string(d)+"Q~")
	}
	return starts
}
