//! From forms to the operations of a history.

use std::sync::Arc;

use sim::jepsen::operation::{Atom, Function, Kind, Operation, Placed, Process, Step};

use super::EdnError;
use super::form::{Edn, Form};
use super::reader::Reader;

/// What reading needs to tell mistakes.
struct Source<'t> {
    reader: Reader<'t>,
}

/// The result of reading.
type Read<T> = Result<T, EdnError>;

/// Reads a history: one map per operation, or one vector of such maps.
///
/// Returns each operation with the byte of the text where it begins.
///
/// # Errors
/// At the first mistake: of EDN, or of an operation that a judge would look at.
pub fn history(text: &str) -> Result<Vec<(usize, Operation)>, EdnError> {
    let mut source = Source { reader: Reader::new(text) };
    let mut operations = Vec::new();
    while let Some(form) = source.reader.next()? {
        match &form.value {
            Edn::Sequence(items) => {
                for item in items {
                    operations.push((item.span.start, source.operation(item)?));
                }
            }
            _ => operations.push((form.span.start, source.operation(&form)?)),
        }
    }
    Ok(operations)
}

impl Source<'_> {
    fn error<T>(&self, form: &Form, message: impl Into<String>, hint: &str) -> Read<T> {
        Err(self.reader.error(form.span.start, message, hint))
    }

    fn wrong<T>(&self, form: &Form, what: &str) -> Read<T> {
        self.error(form, format!("{what}, found {}", form.kind()), "")
    }

    fn need<'f>(&self, form: &'f Form, name: &str) -> Read<&'f Form> {
        match form.get(name) {
            Some(value) => Ok(value),
            None => self.error(form, format!("this operation has no :{name}"), ""),
        }
    }

    fn operation(&self, form: &Form) -> Read<Operation> {
        let Edn::Map(_) = form.value else {
            let hint = "A history is one map per operation, or one vector of such maps.";
            let message = format!("an operation must be a map, found {}", form.kind());
            return self.error(form, message, hint);
        };
        let kind = self.kind(self.need(form, "type")?)?;
        let process = self.process(self.need(form, "process")?)?;
        let time = match form.get("time").map(|it| (it, &it.value)) {
            None | Some((_, Edn::Nil)) => None,
            Some((_, Edn::Integer(time))) if 0 <= *time => Some(time.unsigned_abs()),
            Some((time, _)) => return self.wrong(time, "a time is a number of nanoseconds"),
        };
        let function = match process {
            Process::Client(_) => self.function(form)?,
            Process::Other => Function::Other,
        };
        let mut rebalanced = Vec::new();
        if let Some(log) = form.get("rebalance-log") {
            for event in self.sequence(log, "a rebalance log is a vector of maps")? {
                if let Some(keys) = event.get("keys") {
                    rebalanced.extend(self.atoms(keys)?);
                }
            }
        }
        Ok(Operation { kind, time, process, function, rebalanced })
    }

    fn kind(&self, form: &Form) -> Read<Kind> {
        match form.keyword() {
            Some("invoke") => Ok(Kind::Invoke),
            Some("ok") => Ok(Kind::Ok),
            Some("fail") => Ok(Kind::Fail),
            Some("info") => Ok(Kind::Info),
            _ => self.wrong(form, "a type is :invoke, :ok, :fail or :info"),
        }
    }

    fn process(&self, form: &Form) -> Read<Process> {
        match &form.value {
            Edn::Integer(number) if 0 <= *number => Ok(Process::Client(number.unsigned_abs())),
            Edn::Keyword(_) | Edn::Text(_) | Edn::Symbol(_) => Ok(Process::Other),
            _ => self.wrong(form, "a process is a number from 0, or a keyword such as :nemesis"),
        }
    }

    fn function(&self, form: &Form) -> Read<Function> {
        let name = self.need(form, "f")?;
        let value = form.get("value");
        Ok(match name.keyword() {
            Some("send") => Function::Send(self.steps(value)?),
            Some("poll") => Function::Poll(self.steps(value)?),
            Some("txn") => Function::Txn(self.steps(value)?),
            Some("assign") => Function::Assign(self.keys(value)?),
            Some("subscribe") => Function::Subscribe(self.keys(value)?),
            Some(_) => Function::Other,
            None => return self.wrong(name, "the function of an operation is a keyword"),
        })
    }

    fn keys(&self, value: Option<&Form>) -> Read<Vec<Atom>> {
        value.map_or_else(|| Ok(Vec::new()), |value| self.atoms(value))
    }

    fn atoms(&self, form: &Form) -> Read<Vec<Atom>> {
        let keys = self.sequence(form, "keys stand in a vector")?;
        keys.iter().map(|key| self.atom(key)).collect()
    }

    fn atom(&self, form: &Form) -> Read<Atom> {
        match &form.value {
            Edn::Integer(number) => Ok(Atom::Number(*number)),
            Edn::Text(text) => Ok(Atom::Text(Arc::from(text.as_str()))),
            Edn::Keyword(name) => Ok(Atom::Text(Arc::from(format!(":{name}")))),
            Edn::Symbol(name) => Ok(Atom::Text(Arc::from(name.as_str()))),
            Edn::Number(_) => self.error(form, "this number is no integer below 2^63", ""),
            _ => self.wrong(form, "keys and values are numbers, strings or keywords"),
        }
    }

    /// Returns the items of a sequence; nothing counts as none.
    fn sequence<'f>(&self, form: &'f Form, what: &str) -> Read<&'f [Form]> {
        match &form.value {
            Edn::Sequence(items) => Ok(items),
            Edn::Nil => Ok(&[]),
            _ => self.wrong(form, what),
        }
    }

    fn steps(&self, value: Option<&Form>) -> Read<Vec<Step>> {
        let Some(value) = value else { return Ok(Vec::new()) };
        let steps = self.sequence(value, "the value of a transaction is a vector of steps")?;
        steps.iter().map(|step| self.step(step)).collect()
    }

    fn step(&self, form: &Form) -> Read<Step> {
        let items = form.items().unwrap_or_default();
        match (items.first().and_then(Form::keyword), items) {
            (Some("send"), [_, key, value]) => {
                let key = self.atom(key)?;
                let (offset, value) = match value.items() {
                    Some(_) => self.placed(value)?,
                    None => (None, self.atom(value)?),
                };
                Ok(Step::Send { key, offset, value })
            }
            (Some("poll"), [_]) => Ok(Step::Poll(Vec::new())),
            (Some("poll"), [_, polled]) => self.polled(polled),
            _ => self.error(
                form,
                "this is no step of a transaction",
                "Steps are [:send key value], [:send key [offset value]], [:poll] and \
                 [:poll {key [[offset value] …]}].",
            ),
        }
    }

    fn polled(&self, form: &Form) -> Read<Step> {
        let entries = match &form.value {
            Edn::Map(entries) => entries.as_slice(),
            Edn::Nil => &[],
            _ => return self.wrong(form, "what a poll returns is a map of keys"),
        };
        let mut polled = Vec::with_capacity(entries.len());
        for (key, pairs) in entries {
            let pairs = self.sequence(pairs, "what a poll returns of a key is a vector")?;
            let pairs: Read<Vec<Placed>> = pairs.iter().map(|pair| self.placed(pair)).collect();
            polled.push((self.atom(key)?, pairs?));
        }
        Ok(Step::Poll(polled))
    }

    fn placed(&self, form: &Form) -> Read<Placed> {
        let Some([offset, value]) = form.items() else {
            return self.wrong(form, "a value with its offset is written [offset value]");
        };
        let offset = match offset.value {
            Edn::Nil => None,
            Edn::Integer(offset) if 0 <= offset => Some(offset.unsigned_abs()),
            _ => return self.error(offset, "an offset is a number from 0 to 2^63-1, or nil", ""),
        };
        Ok((offset, self.atom(value)?))
    }
}
