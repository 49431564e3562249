//! The command line of `erl`: what its flags, the parameters of its application `kernel` and its environment mean for a node.
//!
//! [`StartFlags`] takes them as they are given, [`StartFlags::settings`] says what comes of them, with OTP's silent repairs and its
//! errors. Nothing here reads a file or the environment: whoever runs the node does.

mod arguments;
mod cookies;
mod dist_options;
mod error;
mod names;
mod parameters;
mod settings;

pub use arguments::StartFlags;
pub use cookies::CookieSetting;
pub use error::FlagError;
pub use names::ThisHost;
pub use settings::{NodeSettings, epmd_addresses, epmd_port};
