//! JSON objects whose members are kept as they were written.
//!
//! A gateway sends members that a plugin does not know, numbers that a float cannot hold, and bodies of
//! megabytes. None of it is decoded here: a member is a name and the text of its value.

use std::borrow::Cow;
use std::fmt;

use serde_core::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Why an input was not understood, as a sentence for the hook's error member.
pub type Refusal = String;

/// An object in the order in which it was written. The last of equal names wins.
#[derive(Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// Reads one whole document.
    pub fn parse(document: &'a [u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(document).map_err(|cause| format!("cannot read the input: {cause}"))
    }

    /// The members in their order.
    pub fn members(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), *value))
    }

    /// A member that is there and not null.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        let (_, value) = self.0.iter().rev().find(|(key, _)| key == name)?;
        (value.get() != "null").then_some(*value)
    }

    /// A member that is an object; one that is absent or null counts as empty.
    pub fn object(&self, name: &str) -> Result<Object<'a>, Refusal> {
        self.typed(name, "an object").map(Option::unwrap_or_default)
    }

    /// A member that is a string.
    pub fn string(&self, name: &str) -> Result<Option<String>, Refusal> {
        self.typed(name, "a string")
    }

    /// A member that is true or false; one that is absent or null counts as false.
    pub fn flag(&self, name: &str) -> Result<bool, Refusal> {
        self.typed(name, "true or false").map(Option::unwrap_or_default)
    }

    /// A member of another Rust type; absent and null are none.
    pub fn typed<T: Deserialize<'a>>(&self, name: &str, kind: &str) -> Result<Option<T>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match serde_json::from_str(value.get()) {
                Ok(value) => Ok(Some(value)),
                Err(_) => Err(format!("cannot read the input: {name} is not {kind}")),
            },
        }
    }

    /// True for `{}`, and for what was absent or null.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, text: &mut fmt::Formatter) -> fmt::Result {
                text.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key::<Name>()? {
                    members.push((name.0, map.next_value::<&'de RawValue>()?));
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// A member's name: borrowed from the document, or owned where it was written with escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, text: &mut fmt::Formatter) -> fmt::Result {
                text.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// Writes one object, member by member.
pub struct ObjectWriter(Vec<u8>);

impl ObjectWriter {
    /// An object without members.
    pub fn new() -> Self {
        Self(vec![b'{'])
    }

    /// Adds a value that is JSON already.
    pub fn raw(mut self, name: &str, json: impl AsRef<[u8]>) -> Self {
        self.name(name);
        self.0.extend_from_slice(json.as_ref());
        self
    }

    /// Adds what was read, or null where nothing was.
    pub fn echo(self, name: &str, value: Option<&RawValue>) -> Self {
        self.raw(name, value.map_or("null", RawValue::get))
    }

    /// Adds a string.
    pub fn string(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        push_string(&mut self.0, value);
        self
    }

    /// Adds true or false.
    pub fn flag(self, name: &str, value: bool) -> Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    /// Adds a whole number.
    pub fn number(self, name: &str, value: u64) -> Self {
        self.raw(name, value.to_string())
    }

    /// Adds the members of an object that was read.
    pub fn members(self, object: &Object) -> Self {
        object.members().fold(self, |writer, (name, value)| writer.raw(name, value.get()))
    }

    /// The finished text.
    pub fn finish(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        push_string(&mut self.0, name);
        self.0.push(b':');
    }
}

impl Default for ObjectWriter {
    fn default() -> Self {
        Self::new()
    }
}

fn push_string(text: &mut Vec<u8>, value: &str) {
    text.push(b'"');
    for character in value.chars() {
        match character {
            '"' | '\\' => text.extend_from_slice(&[b'\\', character as u8]),
            '\u{0}'..='\u{1f}' => text.extend_from_slice(format!("\\u{:04x}", character as u32).as_bytes()),
            _ => text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    text.push(b'"');
}
