//! Where host files are.

use std::path::PathBuf;

/// The directories that `.hosts.erlang` is looked for in, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostDirs(pub Vec<PathBuf>);

impl HostDirs {
    //= docs/spec/net_adm.md#adm-host-file-path
    /// As `erl` has them: the working directory, the home directory, and the root of Erlang/OTP, which its launcher tells in
    /// the variable `ROOTDIR`. Where nothing of Erlang's is installed, that is not set, and there are two.
    #[must_use]
    pub fn of_process() -> Self {
        let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
        let root = std::env::var_os("ROOTDIR").filter(|root| !root.is_empty()).map(PathBuf::from);
        Self([Some(PathBuf::from(".")), home, root].into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    //= docs/spec/net_adm.md#adm-host-file-path
    //= type=test
    #[test]
    fn the_working_directory_comes_first() {
        let HostDirs(dirs) = HostDirs::of_process();
        assert_eq!(dirs.first(), Some(&PathBuf::from(".")));
    }
}
