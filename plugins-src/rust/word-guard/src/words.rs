//! Looking for words in text.

use plugin_kit::text::any_string;

/// Words and phrases, in lower case.
pub struct BlockedWords(Vec<String>);

impl BlockedWords {
    /// None of the words may be empty.
    pub fn new(words: &[impl AsRef<str>]) -> Self {
        Self(words.iter().map(|word| word.as_ref().to_lowercase()).collect())
    }

    /// Whether the body of an HTTP message holds one: in the strings where it is JSON, else anywhere.
    pub fn in_body(&self, body: &[u8]) -> bool {
        any_string(body, |text| self.in_text(text))
            .unwrap_or_else(|| self.in_text(&String::from_utf8_lossy(body)))
    }

    /// Whether a string value inside JSON text holds one.
    pub fn in_json(&self, json: &[u8]) -> bool {
        self.in_body(json)
    }

    fn in_text(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.0.iter().any(|word| stands_alone(&text, word))
    }
}

/// Whether the word is in the text and is no part of a longer one: "ass" is not in "class".
fn stands_alone(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(start, _)| {
        let (before, after) = (&text[..start], &text[start + word.len()..]);
        !(joined(before.chars().next_back(), word.chars().next())
            || joined(word.chars().next_back(), after.chars().next()))
    })
}

fn joined(left: Option<char>, right: Option<char>) -> bool {
    left.is_some_and(char::is_alphanumeric) && right.is_some_and(char::is_alphanumeric)
}
