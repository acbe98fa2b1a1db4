//! Grades for people: one answer in full, a class as a table.

use super::{Graded, Own};
use crate::text::{Line, Tone, WIDTH, fill, padded, wrap};
use crate::words::Words;

/// Columns that a student's name may take in the table of a class.
const NAME_MAX: usize = 32;

/// Draws what one answer has earned.
pub fn one(graded: &Graded, words: &Words) -> Vec<Line> {
    let grade = &words.grade;
    let head = fill(grade.of_student, &[&graded.exercise, &graded.student]);
    let score = fill(grade.score, &[&graded.points().to_string(), &graded.of().to_string()]);
    let mut lines = vec![Line::of(Tone::Strong, head).then(Tone::Plain, format!("   {score}"))];
    if !graded.drawn.is_empty() {
        let drawn = graded.drawn.iter().map(Own::said).collect::<Vec<_>>().join(", ");
        push(&mut lines, Tone::Plain, (" ", 1), &fill(grade.drawn, &[&drawn]));
        let run = |run: &String| Line::of(Tone::Quiet, format!("{}{run}", " ".repeat(3))).uncut();
        lines.extend(graded.run.iter().map(run));
    }
    if let Some(refused) = &graded.refused {
        push(&mut lines, Tone::Lost, (" ✗ ", 3), &fill(grade.refused, &[refused]));
    }
    for line in &graded.lines {
        let (sign, tone) = match line.points {
            points if points == line.of => ("✓", Tone::Committed),
            _ => ("✗", Tone::Lost),
        };
        let points = format!("{}/{}", line.points, line.of);
        let head = format!(" {sign} {}", padded(&points, 6));
        push(&mut lines, tone, (&head, 9), &line.text);
        for why in &line.why {
            push(&mut lines, Tone::Plain, ("", 9), why);
        }
        if let Some(again) = &line.again {
            lines.push(Line::of(Tone::Quiet, format!("{}{again}", " ".repeat(9))).uncut());
        }
    }
    lines.extend(people(graded.people, words));
    lines
}

/// Says how many points people give, if they do.
fn people(points: u64, words: &Words) -> Option<Line> {
    let said = || fill(words.grade.people, &[&points.to_string()]);
    (0 < points).then(|| Line::of(Tone::Quiet, format!(" {}", said())))
}

/// Draws what the answers of a class have earned, a line each.
pub fn class(all: &[Graded], words: &Words) -> Vec<Line> {
    let grade = &words.grade;
    let names = all.iter().map(|it| Line::plain(it.student.clone()).width());
    let wide = names.max().unwrap_or(0).clamp(8, NAME_MAX);
    let head = padded(grade.student, wide + 2);
    let mut lines = vec![Line::of(Tone::Quiet, format!(" {head}{}", grade.points))];
    for graded in all {
        let earned: Vec<String> =
            graded.lines.iter().map(|line| format!("{}/{}", line.points, line.of)).collect();
        let total = format!("{:>3} / {}", graded.points(), graded.of());
        let mut line = Line::of(Tone::Plain, format!(" {}", padded(&graded.student, wide + 2)));
        line.push(Tone::Strong, padded(&total, 12));
        match &graded.refused {
            Some(refused) => line.push(Tone::Lost, fill(grade.refused, &[refused])),
            None => line.push(Tone::Quiet, earned.join("  ")),
        }
        lines.push(line.uncut());
    }
    let sum: u64 = all.iter().map(Graded::points).sum();
    let average = average(sum, all.len() as u64);
    let of = all.first().map_or(0, Graded::of).to_string();
    let said = fill(grade.average, &[&all.len().to_string(), &average, &of]);
    lines.push(Line::of(Tone::Quiet, format!(" {said}")));
    lines.extend(people(all.first().map_or(0, |it| it.people), words));
    lines
}

/// Returns an average with one decimal, rounded.
fn average(sum: u64, count: u64) -> String {
    let tenths = (sum * 20 + count).checked_div(count * 2).unwrap_or(0);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Adds a text whose lines begin below each other.
fn push(lines: &mut Vec<Line>, tone: Tone, (head, indent): (&str, usize), text: &str) {
    for (at, part) in wrap(text, WIDTH - indent).into_iter().enumerate() {
        let head = if at == 0 { head } else { "" };
        lines.push(Line::of(tone, padded(head, indent)).then(Tone::Plain, part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_is_rounded() {
        let averages = [(1, 6), (1, 3), (11, 4), (0, 0), (5, 1)].map(|(sum, of)| average(sum, of));

        assert_eq!(averages, ["0.2", "0.3", "2.8", "0.0", "5.0"]);
    }
}
