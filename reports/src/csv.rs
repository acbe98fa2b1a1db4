//! Numbers over time as a table of changes, one in a row, for spreadsheets and plots.

use csv::Writer;

use crate::series::samples;
use crate::trace::Trace;

/// Returns a table in CSV with a head: microseconds, partition, series, whose it is, value.
///
/// A value holds until the next row of the same series; an empty one ends it.
pub fn series(trace: &Trace) -> String {
    let mut table = Writer::from_writer(Vec::new());
    let mut row = |cells: [&str; 5]| {
        table.write_record(cells).expect("rows of equal length go into memory");
    };
    row(["time_us", "partition", "series", "of", "value"]);
    for sample in samples(trace) {
        let value = sample.value.map(|it| it.to_string()).unwrap_or_default();
        let partition = &trace.partitions[sample.partition].name;
        let (series, of) = (sample.series.name(), sample.of.name(trace));
        row([&sample.at.to_string(), partition, series, of, &value]);
    }
    let bytes = table.into_inner().expect("memory can be flushed");
    String::from_utf8(bytes).expect("cells are UTF-8")
}
