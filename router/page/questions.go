package page

import "encoding/json"

// asked is a question that an agent asks with a tool, and what may be answered.
type asked struct {
	Text    string
	Options []offered
}

type offered struct{ Label, Description string }

// mostQuestions is how many of a call are shown as such.
const mostQuestions = 10

// questionsIn are the questions in the arguments of a call; none if they are anything else.
func questionsIn(args fields) []asked {
	var all []struct {
		Question string
		Options  []offered
	}
	if json.Unmarshal(args.raw("questions"), &all) != nil || len(all) > mostQuestions {
		return nil
	}
	var questions []asked
	for _, one := range all {
		if one.Question == "" || len(one.Options) > mostOptions {
			return nil
		}
		q := asked{Text: shorten(one.Question)}
		for _, o := range one.Options {
			q.Options = append(q.Options, offered{shorten(o.Label), shorten(o.Description)})
		}
		questions = append(questions, q)
	}
	return questions
}
