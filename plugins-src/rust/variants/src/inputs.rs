//! The documents, as far as this plugin looks into them. Other members are passed over, and most may be missing.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The envelope of every hook.
#[derive(Deserialize)]
pub struct Call<'a, Request> {
    #[serde(default, borrow)]
    pub context: Context<'a>,
    pub request: Request,
    #[serde(default)]
    pub response: Option<HttpResponse>,
    #[cfg(not(feature = "chunk-is-text"))]
    #[serde(default, borrow)]
    pub chunk: Option<&'a RawValue>,
    #[cfg(feature = "chunk-is-text")]
    #[serde(default)]
    pub chunk: Option<String>,
}

#[derive(Default, Deserialize)]
pub struct Context<'a> {
    #[serde(default)]
    pub request_id: Option<Cow<'a, str>>,
}

#[cfg(not(feature = "borrows-text"))]
pub type Text<'a> = Cow<'a, str>;
/// Text as it stands in the input: none that was written with an escape.
#[cfg(feature = "borrows-text")]
pub type Text<'a> = &'a str;

#[cfg(not(feature = "wants-headers"))]
pub type Headers<'a> = Option<BTreeMap<Text<'a>, Text<'a>>>;
/// Headers that cannot be null.
#[cfg(feature = "wants-headers")]
pub type Headers<'a> = BTreeMap<Text<'a>, Text<'a>>;

#[derive(Deserialize)]
#[cfg_attr(feature = "knows-all-members", serde(deny_unknown_fields))]
pub struct HttpRequest<'a> {
    #[serde(borrow)]
    pub headers: Headers<'a>,
    #[cfg(feature = "knows-all-members")]
    method: String,
    #[cfg(feature = "knows-all-members")]
    path: String,
    #[cfg(feature = "knows-all-members")]
    query: Option<BTreeMap<String, String>>,
    #[cfg(feature = "knows-all-members")]
    body: Option<String>,
}

#[derive(Deserialize)]
pub struct HttpResponse {
    #[serde(default)]
    pub status_code: Option<u16>,
}

/// An LLM request, flat; of the other shapes nothing is known here.
#[derive(Deserialize)]
pub struct LlmRequest<'a> {
    #[serde(default, borrow)]
    pub model: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub input: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
pub struct Outcome<'a> {
    #[serde(default, borrow)]
    pub response: Option<&'a RawValue>,
    #[cfg(not(feature = "wants-error"))]
    #[serde(default, borrow)]
    pub error: Option<&'a RawValue>,
    #[cfg(feature = "wants-error")]
    #[serde(borrow)]
    pub error: &'a RawValue,
    #[serde(default)]
    pub has_error: bool,
}
