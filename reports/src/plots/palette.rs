//! Colours that every picture shares, and the proof that they can be told apart.
//!
//! A colour never stands alone: marks, dashes and labels say the same.

/// A colour: red, green, blue.
pub type Rgb = [u8; 3];

/// What a record's state or fate looks like on white and on black.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// What it stands for.
    pub name: &'static str,
    /// On white.
    pub light: Rgb,
    /// On black.
    pub dark: Rgb,
}

/// Text and outlines on white.
pub const INK: Rgb = [0x1b, 0x1f, 0x24];
/// Lesser text on white.
pub const MUTE: Rgb = [0x5b, 0x61, 0x6b];
/// Grid lines on white.
pub const GRID: Rgb = [0xe1, 0xe4, 0xe8];
/// The paper.
pub const PAPER: Rgb = [0xff, 0xff, 0xff];

/// The states of a record, in the order of its life.
pub const FILLS: [Fill; 8] = [
    Fill { name: "sent", light: [0xc4, 0xca, 0xd3], dark: [0x3a, 0x42, 0x4e] },
    Fill { name: "leader only", light: [0x7c, 0xc7, 0xf2], dark: [0x7c, 0xc7, 0xf2] },
    Fill { name: "acked", light: [0x00, 0x72, 0xb2], dark: [0x2f, 0x7f, 0xd6] },
    Fill { name: "committed", light: [0x2f, 0xa5, 0x6f], dark: [0x2f, 0xa5, 0x6f] },
    Fill { name: "consumed", light: [0x00, 0x4d, 0x3b], dark: [0xd3, 0xf5, 0xe4] },
    Fill { name: "at risk", light: [0xf0, 0xc8, 0x08], dark: [0xf0, 0xc8, 0x08] },
    Fill { name: "lost", light: [0xd5, 0x5e, 0x00], dark: [0xf0, 0x70, 0x1a] },
    Fill { name: "duplicated", light: [0xaa, 0x33, 0x77], dark: [0xd1, 0x4f, 0xa8] },
];

/// Colours of the lines of a plot, in order; shades of [`FILLS`] that are dark enough for a
/// line on white.
pub const SERIES: [Rgb; 5] = [
    [0xd5, 0x5e, 0x00],
    [0x00, 0x72, 0xb2],
    [0x2f, 0xa5, 0x6f],
    [0xaa, 0x33, 0x77],
    [0x00, 0x4d, 0x3b],
];

/// Tints behind a plot: what goes wrong meanwhile.
pub const CRASH: Rgb = [0xd9, 0xdc, 0xe1];
/// What is committed, behind a plot.
pub const COMMITTED: Rgb = [0xd9, 0xef, 0xe3];
/// A rebalance behind a plot.
pub const REBALANCE: Rgb = [0xee, 0xd9, 0xe6];
/// Something lost behind a plot.
pub const LOSS: Rgb = [0xfb, 0xdd, 0xc8];

#[cfg(test)]
mod tests {
    use super::*;

    /// Machado, Oliveira and Fernandes, 2009: full protanopia, deuteranopia, tritanopia, for
    /// linear light.
    const DEFICIENCIES: [[[f64; 3]; 3]; 3] = [
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ];
    const NORMAL: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

    #[test]
    fn every_two_fills_can_be_told_apart_by_everybody() {
        let light: Vec<Rgb> = FILLS.iter().map(|fill| fill.light).collect();
        let dark: Vec<Rgb> = FILLS.iter().map(|fill| fill.dark).collect();

        let (light, dark) = (worst_pair(&light), worst_pair(&dark));

        assert!(18.0 < light, "{light}");
        assert!(16.5 < dark, "{dark}");
    }

    #[test]
    fn every_two_lines_of_a_plot_can_be_told_apart_by_everybody() {
        assert!(18.0 < worst_pair(&SERIES), "{}", worst_pair(&SERIES));
    }

    #[test]
    fn the_obvious_choice_for_duplicates_fails_the_same_test() {
        // Okabe and Ito's purple beside the grey of what was sent.
        let pair = [[0xcc, 0x79, 0xa7], [0xa5, 0xad, 0xb8]];

        assert!(worst_pair(&pair) < 12.0, "{}", worst_pair(&pair));
    }

    #[test]
    fn text_is_dark_enough_to_read() {
        for colour in [INK, MUTE] {
            assert!(4.5 < contrast(colour, PAPER), "{colour:?}");
        }
    }

    /// Returns the smallest distance of any two colours under any deficiency: ΔE of 1976.
    fn worst_pair(colours: &[Rgb]) -> f64 {
        let mut worst = f64::INFINITY;
        for seen in DEFICIENCIES.iter().chain([&NORMAL]) {
            let labs: Vec<[f64; 3]> =
                colours.iter().map(|it| lab(times(seen, linear(*it)))).collect();
            for (at, one) in labs.iter().enumerate() {
                for other in &labs[at + 1..] {
                    let squares: f64 = one.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum();
                    worst = worst.min(squares.sqrt());
                }
            }
        }
        worst
    }

    fn linear(colour: Rgb) -> [f64; 3] {
        colour.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn times(matrix: &[[f64; 3]; 3], vector: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum::<f64>().clamp(0.0, 1.0))
    }

    fn lab(linear: [f64; 3]) -> [f64; 3] {
        const XYZ: [[f64; 3]; 3] = [
            [0.412_456_4, 0.357_576_1, 0.180_437_5],
            [0.212_672_9, 0.715_152_2, 0.072_175_0],
            [0.019_333_9, 0.119_192_0, 0.950_304_1],
        ];
        let [x, y, z] = times(&XYZ, linear);
        let f = |part: f64| {
            if 0.008_856 < part { part.cbrt() } else { 7.787 * part + 16.0 / 116.0 }
        };
        let (x, y, z) = (f(x / 0.950_47), f(y), f(z / 1.088_83));
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    fn contrast(one: Rgb, other: Rgb) -> f64 {
        let light = |colour| {
            let [r, g, b] = linear(colour);
            0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05
        };
        let (one, other) = (light(one), light(other));
        one.max(other) / one.min(other)
    }
}
