package gateway

import "hookproof/plugins/openjson"

// Parts are the objects in which an LLM payload may hold its members: itself, and what is wrapped in members such
// as chat_request, ChatRequest or chat_response. `wrapper` is the end of these names.
func Parts(payload openjson.Value, wrapper string) []openjson.Value {
	found := []openjson.Value{payload}
	members, _ := payload.Object()
	for _, member := range members {
		if end := len(member.Name) - len(wrapper); end >= 0 && SameName(member.Name[end:], wrapper) {
			found = append(found, member.Value)
		}
	}
	return found
}
