//! Where things are: what the configuration's `{dir}`, `{root}` and `{bin}` stand for.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};

/// The directories a configuration may name.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// `{dir}`: where the configuration lies.
    dir: PathBuf,
    /// `{root}`: the directory above it.
    root: PathBuf,
    /// `{bin}`: where this program lies, and the servers built with it.
    bin: PathBuf,
}

impl Places {
    /// The places around the configuration at `config`.
    pub(super) fn around(config: &Path) -> Result<Self> {
        let config = config.canonicalize().map_err(|source| Error::file(config, source))?;
        let program =
            std::env::current_exe().map_err(|error| Error::system("cannot find myself", error))?;
        let above = |path: &Path| path.parent().unwrap_or(Path::new("/")).to_owned();
        let dir = above(&config);
        Ok(Self { root: above(&dir), dir, bin: above(&program) })
    }

    /// `text` with its placeholders filled in.
    pub(super) fn fill(&self, text: &str, port: u16) -> String {
        text.replace("{dir}", &self.dir.to_string_lossy())
            .replace("{root}", &self.root.to_string_lossy())
            .replace("{bin}", &self.bin.to_string_lossy())
            .replace("{port}", &port.to_string())
    }

    /// Where what `peer` prints is kept.
    pub(super) fn log(&self, peer: &str) -> Result<PathBuf> {
        let directory = self.root.join("build/bench-logs");
        std::fs::create_dir_all(&directory).map_err(|source| Error::file(&directory, source))?;
        Ok(directory.join(format!("{peer}.log")))
    }

    /// The commit checked out, with `-dirty` behind it if files were changed since.
    pub(super) fn commit(&self) -> Option<String> {
        let output = Command::new("git")
            .args(["describe", "--always", "--dirty", "--exclude=*"])
            .current_dir(&self.root)
            .output()
            .ok()?;
        let name = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        (!name.is_empty()).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::Places;

    #[test]
    fn fills_placeholders() {
        let places = Places { dir: "/r/d".into(), root: "/r".into(), bin: "/b".into() };
        assert_eq!(places.fill("{dir} {root}/x {bin}:{port} {else}", 7), "/r/d /r/x /b:7 {else}");
    }
}
