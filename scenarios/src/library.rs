//! The scenarios that come with Trial, embedded in the binary.

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/library");

static ENTRIES: LazyLock<Vec<LibraryEntry>> = LazyLock::new(|| {
    let mut entries = Vec::new();
    collect(&FILES, &mut entries);
    entries.sort();
    entries
});

/// One scenario of the library.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LibraryEntry {
    /// The folder: `partition`.
    pub folder: &'static str,
    /// The file's name without ending.
    pub name: &'static str,
    /// The file's text.
    pub source: &'static str,
}

/// Returns every scenario of the library, by folder and name.
pub fn library() -> &'static [LibraryEntry] {
    &ENTRIES
}

/// Finds a scenario of the library by its name, with or without its folder.
pub fn find(name: &str) -> Option<&'static LibraryEntry> {
    library().iter().find(|entry| {
        let path = name.rsplit_once('/');
        entry.name == name || path == Some((entry.folder, entry.name))
    })
}

fn collect(folder: &'static Dir<'static>, entries: &mut Vec<LibraryEntry>) {
    for file in folder.files() {
        let path = file.path();
        let is_scenario = path.extension().is_some_and(|ending| ending == "toml");
        let name = path.file_stem().and_then(|stem| stem.to_str());
        let parent = path.parent().and_then(|parent| parent.to_str());
        if let (true, Some(name), Some(source)) = (is_scenario, name, file.contents_utf8()) {
            entries.push(LibraryEntry { folder: parent.unwrap_or_default(), name, source });
        }
    }
    folder.dirs().for_each(|dir| collect(dir, entries));
}
