//! Tables of TOML as people write them: equals signs in one column, short tables in one line.

/// Columns of a line, at most. A table that needs more gets lines of its own.
const WIDTH: usize = 100;

/// A value of a file.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A text, number or flag, as it stands in the file.
    Plain(String),
    /// A list.
    List(Vec<Value>),
    /// A table.
    Table(Table),
}

/// Names and values, in the order of the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    entries: Vec<(String, Value)>,
}

/// A file that is being written.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    text: String,
}

impl Table {
    /// Adds an entry.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.entries.push((name.to_owned(), value.into()));
    }

    /// Adds an entry unless it says what holds without it.
    pub fn set_unless<T: PartialEq + Into<Value>>(&mut self, name: &str, value: T, usual: T) {
        if value != usual {
            self.set(name, value);
        }
    }

    /// Adds an entry if there is a value.
    pub fn set_some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Adds a table unless it is empty.
    pub fn set_table(&mut self, name: &str, table: Table) {
        if !table.is_empty() {
            self.set(name, table);
        }
    }

    /// Says whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Sheet {
    /// Writes entries that stand before all tables.
    pub fn preface(&mut self, table: &Table) {
        self.lines(table, "");
    }

    /// Writes `[path]`.
    pub fn table(&mut self, path: &str, table: &Table) {
        self.text += &format!("\n[{path}]\n");
        self.lines(table, path);
    }

    /// Writes `[path]` unless it would be empty.
    pub fn table_if_any(&mut self, path: &str, table: &Table) {
        if !table.is_empty() {
            self.table(path, table);
        }
    }

    /// Writes `[[path]]`.
    pub fn item(&mut self, path: &str, table: &Table) {
        self.text += &format!("\n[[{path}]]\n");
        self.lines(table, path);
    }

    /// Returns the text of the file.
    pub fn finish(self) -> String {
        self.text
    }

    fn lines(&mut self, table: &Table, path: &str) {
        let fits = |name: &str, value: &Value| {
            !matches!(value, Value::Table(_))
                || key(name).chars().count() + 3 + inline(value).chars().count() <= WIDTH
        };
        let (short, long): (Vec<_>, Vec<_>) =
            table.entries.iter().partition(|(name, value)| fits(name, value));
        let widths = short.iter().map(|(name, _)| key(name).chars().count());
        let width = widths.max().unwrap_or(0);
        for (name, value) in short {
            self.text += &format!("{:width$} = {}\n", key(name), spread(value, width + 3));
        }
        for (name, value) in long {
            let Value::Table(inner) = value else { continue };
            self.table(&format!("{path}.{}", key(name)), inner);
        }
    }
}

/// Writes a value in one line, or a list that is too long for it in several.
fn spread(value: &Value, before: usize) -> String {
    let line = inline(value);
    match value {
        Value::List(items) if WIDTH < before + line.chars().count() => {
            let items: String = items.iter().map(|it| format!("    {},\n", inline(it))).collect();
            format!("[\n{items}]")
        }
        Value::Plain(_) | Value::List(_) | Value::Table(_) => line,
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::Plain(text) => text.clone(),
        Value::List(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        Value::Table(table) if table.is_empty() => "{}".to_owned(),
        Value::Table(table) => {
            let entries = table
                .entries
                .iter()
                .map(|(name, value)| format!("{} = {}", key(name), inline(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Writes a name, in quotes where it needs them.
pub(super) fn key(name: &str) -> String {
    let bare = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { quoted(name) }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Writes a whole number with its digits in groups of three.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at != 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Plain(quoted(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::from(text.as_str())
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Value {
        Value::Plain(flag.to_string())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Value {
        Value::Plain(grouped(number))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        let sign = if number < 0 { "-" } else { "" };
        Value::Plain(format!("{sign}{}", grouped(number.unsigned_abs())))
    }
}

impl From<Table> for Value {
    fn from(table: Table) -> Value {
        Value::Table(table)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Value {
        Value::List(items.into_iter().map(Into::into).collect())
    }
}

macro_rules! small_numbers {
    ($($type:ty),*) => {$(
        impl From<$type> for Value {
            fn from(number: $type) -> Value {
                Value::from(u64::from(number))
            }
        }
    )*};
}
small_numbers!(u8, u16, u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_and_what_is_too_long_comes_after_it() {
        let mut config = Table::default();
        for at in 0..4_u32 {
            config.set(&format!("a.setting.with.a.long.name.{at}"), at * 1_000);
        }
        let mut table = Table::default();
        table.set("topic", "orders \"7\"");
        table.set("config", config);
        table.set("every", "10ms");
        let mut sheet = Sheet::default();

        sheet.table("producers.p1", &table);

        let expected = "
[producers.p1]
topic = 'orders \"7\"'
every = \"10ms\"

[producers.p1.config]
\"a.setting.with.a.long.name.0\" = 0
\"a.setting.with.a.long.name.1\" = 1_000
\"a.setting.with.a.long.name.2\" = 2_000
\"a.setting.with.a.long.name.3\" = 3_000
";
        assert_eq!(sheet.finish(), expected);
    }

    #[test]
    fn digits_stand_in_groups() {
        let table = [(0, "0"), (999, "999"), (1_000, "1_000"), (1_234_567, "1_234_567")];

        for (number, text) in table {
            assert_eq!(grouped(number), text);
        }
    }
}
