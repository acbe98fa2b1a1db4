//! The words of selectors and conditions, and where they stand in the file.

use sim::plan::Comparison;
use winnow::combinator::{alt, repeat};
use winnow::prelude::*;
use winnow::stream::LocatingSlice;
use winnow::token::take_while;

use crate::codes::Code;
use crate::problems::{Problems, Span};

/// One word, sign or bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'e> {
    /// A name or a number.
    Word(&'e str),
    /// A comparison sign.
    Compare(Comparison),
    /// A lone `=`.
    Assign,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
}

/// `name` or `name(argument, argument)`.
#[derive(Clone, Debug)]
pub(crate) struct Call<'e> {
    /// The name.
    pub name: &'e str,
    /// The place of the whole call.
    pub span: Span,
    /// The arguments with their places.
    pub arguments: Vec<(&'e str, Span)>,
}

/// Reads an expression from left to right.
#[derive(Debug)]
pub(crate) struct Cursor<'e> {
    /// What kind of mistake to report.
    pub code: Code,
    tokens: Vec<(Token<'e>, Span)>,
    next: usize,
    end: Span,
}

impl<'e> Cursor<'e> {
    /// Splits a text into words. `span` is the place of the text's value in the file.
    pub fn new(
        text: &'e str,
        span: Span,
        code: Code,
        problems: &mut Problems<'_>,
    ) -> Option<Cursor<'e>> {
        let base = inner_start(text, span, problems.source);
        let place = |start: usize, end: usize| match base {
            Some(base) => Span { start: base + start, end: base + end, origin: None },
            None => span,
        };
        match tokens.parse(LocatingSlice::new(text)) {
            Ok(found) => {
                let tokens = found
                    .into_iter()
                    .map(|(token, range)| (token, place(range.start, range.end)))
                    .collect();
                Some(Cursor { code, tokens, next: 0, end: place(text.len(), text.len()) })
            }
            Err(error) => {
                let at = error.offset();
                let letter = text.get(at..).and_then(|rest| rest.chars().next()).unwrap_or(' ');
                let length = letter.len_utf8();
                problems.error(code, place(at, at + length), format!("unexpected `{letter}`"));
                None
            }
        }
    }

    /// Returns what comes next.
    pub fn peek(&self) -> Option<Token<'e>> {
        self.tokens.get(self.next).map(|(token, _)| *token)
    }

    /// Returns the place of what comes next.
    pub fn span(&self) -> Span {
        self.tokens.get(self.next).map_or(self.end, |(_, span)| *span)
    }

    /// Takes what comes next.
    pub fn take(&mut self) -> Option<(Token<'e>, Span)> {
        let found = self.tokens.get(self.next).copied();
        self.next += 1;
        found
    }

    /// Takes a token if it is the one that comes next.
    pub fn accept(&mut self, token: Token<'_>) -> bool {
        let accepted = self.peek() == Some(token);
        if accepted {
            self.next += 1;
        }
        accepted
    }

    /// Reports that something else was expected here.
    pub fn expected(&self, what: &str, problems: &mut Problems<'_>) {
        let message = match self.peek() {
            None => format!("expected {what}, found the end"),
            Some(token) => format!("expected {what}, found `{}`", spelling(token)),
        };
        problems.error(self.code, self.span(), message);
    }

    /// Takes a word.
    pub fn word(&mut self, what: &str, problems: &mut Problems<'_>) -> Option<(&'e str, Span)> {
        match self.peek() {
            Some(Token::Word(word)) => self.take().map(|(_, span)| (word, span)),
            _ => {
                self.expected(what, problems);
                None
            }
        }
    }

    /// Takes a name with its arguments, if it has some.
    pub fn call(&mut self, what: &str, problems: &mut Problems<'_>) -> Option<Call<'e>> {
        let (name, mut span) = self.word(what, problems)?;
        let mut arguments = Vec::new();
        if self.accept(Token::Open) {
            loop {
                arguments.push(self.word("an argument", problems)?);
                if !self.accept(Token::Comma) {
                    break;
                }
            }
            let close = self.span();
            if !self.accept(Token::Close) {
                self.expected("`)`", problems);
                return None;
            }
            span.end = close.end;
        }
        Some(Call { name, span, arguments })
    }

    /// Checks that nothing is left.
    pub fn finish(&self, problems: &mut Problems<'_>) -> Option<()> {
        if self.peek().is_some() {
            self.expected("the end", problems);
            return None;
        }
        Some(())
    }
}

impl<'e> Call<'e> {
    /// Checks the number of arguments and returns them.
    pub fn arguments<const N: usize>(
        &self,
        code: Code,
        problems: &mut Problems<'_>,
    ) -> Option<[(&'e str, Span); N]> {
        let found = self.arguments.clone().try_into().ok();
        if found.is_none() {
            let plural = if N == 1 { "argument" } else { "arguments" };
            let message =
                format!("`{}` takes {N} {plural}, found {}", self.name, self.arguments.len());
            problems.error(code, self.span, message);
        }
        found
    }
}

/// Finds where the letters of a text begin in the file, if it stands there unescaped.
fn inner_start(text: &str, span: Span, source: &str) -> Option<usize> {
    if span.origin.is_some() {
        return None;
    }
    let written = source.get(span.start..span.end)?;
    let start = span.start + 1;
    (written.len() == text.len() + 2 && source.get(start..start + text.len()) == Some(text))
        .then_some(start)
}

fn spelling(token: Token<'_>) -> &str {
    match token {
        Token::Word(word) => word,
        Token::Assign => "=",
        Token::Open => "(",
        Token::Close => ")",
        Token::Comma => ",",
        Token::Compare(comparison) => match comparison {
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::Greater => ">",
            Comparison::AtLeast => ">=",
        },
    }
}

type Spanned<'e> = (Token<'e>, std::ops::Range<usize>);

fn tokens<'e>(input: &mut LocatingSlice<&'e str>) -> ModalResult<Vec<Spanned<'e>>> {
    let spaced = |input: &mut LocatingSlice<&'e str>| {
        let found = token.with_span().parse_next(input)?;
        space(input)?;
        Ok(found)
    };
    space(input)?;
    repeat(0.., spaced).parse_next(input)
}

fn space(input: &mut LocatingSlice<&str>) -> ModalResult<()> {
    take_while(0.., |letter: char| letter.is_ascii_whitespace()).void().parse_next(input)
}

fn token<'e>(input: &mut LocatingSlice<&'e str>) -> ModalResult<Token<'e>> {
    let word =
        take_while(1.., |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter));
    let compare = alt((
        "==".value(Comparison::Equal),
        "!=".value(Comparison::NotEqual),
        "<=".value(Comparison::AtMost),
        ">=".value(Comparison::AtLeast),
        "<".value(Comparison::Less),
        ">".value(Comparison::Greater),
    ));
    alt((
        word.map(Token::Word),
        compare.map(Token::Compare),
        "=".value(Token::Assign),
        "(".value(Token::Open),
        ")".value(Token::Close),
        ",".value(Token::Comma),
    ))
    .parse_next(input)
}
