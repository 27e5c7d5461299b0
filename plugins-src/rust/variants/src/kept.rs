//! What stays in the instance between calls: the tag, and what does not belong there.

use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use serde::Deserialize;

#[derive(Default, Deserialize)]
struct Settings {
    #[serde(default)]
    tag: Option<String>,
}

fn parse(config: &[u8]) -> Result<Option<String>, String> {
    if config.is_empty() {
        return Ok(None);
    }
    let settings: Option<Settings> = serde_json::from_slice(config).map_err(|cause| cause.to_string())?;
    Ok(settings.unwrap_or_default().tag)
}

/// A value that calls may change.
pub struct Kept<T>(RwLock<T>);

impl<T> Kept<T> {
    pub const fn new(value: T) -> Self {
        Self(RwLock::new(value))
    }

    pub fn get(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(not(feature = "keeps-config"))]
mod config {
    use super::{Kept, parse};

    static TAG: Kept<Option<String>> = Kept::new(None);

    pub fn configure(config: impl AsRef<[u8]>) -> Result<(), String> {
        *TAG.get() = parse(config.as_ref())?;
        Ok(())
    }

    pub fn tag() -> Result<Option<String>, String> {
        Ok(TAG.get().clone())
    }
}

/// Reads the configuration where the host wrote it, each time that it is asked for.
#[cfg(feature = "keeps-config")]
mod config {
    use super::{Kept, parse};

    static CONFIG: Kept<&[u8]> = Kept::new(&[]);

    pub fn configure(config: &'static [u8]) -> Result<(), String> {
        *CONFIG.get() = config;
        parse(config).map(|_| ())
    }

    pub fn tag() -> Result<Option<String>, String> {
        parse(*CONFIG.get()).map_err(|cause| format!("bad configuration: {cause}"))
    }
}

pub use config::{configure, tag};

/// The id of the first request of all.
#[cfg(feature = "keeps-first-id")]
pub fn first_id(id: &str) -> String {
    static FIRST: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    FIRST.get_or_init(|| id.to_owned()).clone()
}

/// The model of the last request, where the host wrote it.
#[cfg(feature = "keeps-model")]
pub static MODEL: Kept<&str> = Kept::new("");

/// The last input, where the host wrote it, with the answer to it.
#[cfg(feature = "keeps-input")]
pub static LAST: Kept<(&[u8], String)> = Kept::new((&[], String::new()));

/// Every input there ever was.
#[cfg(feature = "keeps-history")]
pub static HISTORY: Kept<Vec<Vec<u8>>> = Kept::new(Vec::new());
