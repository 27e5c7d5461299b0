//! The text inside JSON strings, HTTP bodies and messages.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_core::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use serde_json::value::RawValue;

use crate::object::{Object, Refusal};

/// Decodes an HTTP body: standard base64 with padding. Absent, null and `""` are an empty body.
pub fn body(message: &Object) -> Result<Vec<u8>, Refusal> {
    match message.string("body")? {
        None => Ok(Vec::new()),
        Some(text) => {
            STANDARD.decode(text).map_err(|_| "cannot read the input: body is not base64".to_owned())
        }
    }
}

/// Encodes an HTTP body.
pub fn encode(body: &[u8]) -> String {
    STANDARD.encode(body)
}

/// A member of an LLM request, response or chunk: of the payload itself where it is flat, and of what is
/// wrapped, as in `chat_request`, `ChatRequest` or `chat_response` (`wrapper` is the end of these names).
pub fn payload_members<'a>(payload: &Object<'a>, wrapper: &str, name: &str) -> Vec<&'a RawValue> {
    let wrapped = payload
        .members()
        .filter(|(key, _)| key.to_ascii_lowercase().ends_with(wrapper))
        .filter_map(|(_, value)| serde_json::from_str::<Object>(value.get()).ok())
        .filter_map(|part| part.get(name));
    payload.get(name).into_iter().chain(wrapped).collect()
}

/// Decodes a value that is a string.
pub fn string(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// Whether any string value inside the JSON text satisfies the test. None when the text is not JSON.
pub fn any_string(json: &[u8], test: impl Fn(&str) -> bool) -> Option<bool> {
    let mut found = false;
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    Strings { test: &test, found: &mut found }.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(found)
}

struct Strings<'a, F> {
    test: &'a F,
    found: &'a mut bool,
}

impl<'de, F: Fn(&str) -> bool> DeserializeSeed<'de> for Strings<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: Fn(&str) -> bool> Visitor<'de> for Strings<'_, F> {
    type Value = ();

    fn expecting(&self, text: &mut fmt::Formatter) -> fmt::Result {
        text.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        *self.found = *self.found || (self.test)(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Strings { test: self.test, found: self.found })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_key::<IgnoredAny>()?.is_some() {
            members.next_value_seed(Strings { test: self.test, found: self.found })?;
        }
        Ok(())
    }
}
