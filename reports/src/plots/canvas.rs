//! Where plots are drawn: SVG text, or pixels with our own letters.
//!
//! The bitmap is drawn at three times its size and averaged, because plotters smooths
//! lines only a little, and its letters would need a font of the host.

use ab_glyph::{Font as _, point};
use plotters::backend::{BitMapBackend, SVGBackend};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
};

use crate::plots::font::{self, CAPITAL};

/// Width and height of every plot, in pixels.
pub const SIZE: (u32, u32) = (1_280, 720);
/// How many times as large a bitmap is drawn.
const FINER: i32 = 3;
/// plotters' font size of one pixel of an em: its SVGs divide by it.
pub(crate) const PER_EM: f64 = 1.24;

type Result<T, E> = std::result::Result<T, DrawingErrorKind<E>>;
type BitMapError<'a> = <BitMapBackend<'a> as DrawingBackend>::ErrorType;

/// Draws an SVG.
pub(crate) fn svg<E>(
    draw: impl FnOnce(SVGBackend<'_>) -> std::result::Result<(), E>,
) -> std::result::Result<String, E> {
    let mut text = String::new();
    draw(SVGBackend::with_string(&mut text, SIZE))?;
    Ok(text)
}

/// Draws a PNG.
pub(crate) fn png<E>(
    draw: impl FnOnce(Fine<'_>) -> std::result::Result<(), E>,
) -> std::result::Result<Vec<u8>, E> {
    let (width, height) = (SIZE.0 * FINER as u32, SIZE.1 * FINER as u32);
    let mut pixels = vec![0; (width * height * 3) as usize];
    draw(Fine { inner: BitMapBackend::with_buffer(&mut pixels, (width, height)) })?;
    Ok(encoded(&averaged(&pixels)))
}

/// A bitmap of three times the size that looks like one of the usual size.
pub(crate) struct Fine<'a> {
    inner: BitMapBackend<'a>,
}

/// A style whose lines are three times as wide.
struct Wide {
    color: BackendColor,
    width: u32,
}

impl BackendStyle for Wide {
    fn color(&self) -> BackendColor {
        self.color
    }

    fn stroke_width(&self) -> u32 {
        self.width
    }
}

fn wide(style: &impl BackendStyle) -> Wide {
    Wide { color: style.color(), width: style.stroke_width() * FINER as u32 }
}

/// Returns the middle of a large pixel.
fn middle((x, y): BackendCoord) -> BackendCoord {
    (x * FINER + FINER / 2, y * FINER + FINER / 2)
}

impl<'a> DrawingBackend for Fine<'a> {
    type ErrorType = BitMapError<'a>;

    fn get_size(&self) -> (u32, u32) {
        SIZE
    }

    fn ensure_prepared(&mut self) -> Result<(), Self::ErrorType> {
        self.inner.ensure_prepared()
    }

    fn present(&mut self) -> Result<(), Self::ErrorType> {
        self.inner.present()
    }

    fn draw_pixel(&mut self, at: BackendCoord, color: BackendColor) -> Result<(), Self::ErrorType> {
        self.draw_rect(at, at, &Wide { color, width: 1 }, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Result<(), Self::ErrorType> {
        self.inner.draw_path([middle(from), middle(to)], &wide(style))
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Result<(), Self::ErrorType> {
        if fill {
            let end = (to.0 * FINER + FINER - 1, to.1 * FINER + FINER - 1);
            return self.inner.draw_rect((from.0 * FINER, from.1 * FINER), end, &wide(style), true);
        }
        let corners = [from, (to.0, from.1), to, (from.0, to.1), from];
        self.inner.draw_path(corners.map(middle), &wide(style))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Result<(), Self::ErrorType> {
        let path: Vec<_> = path.into_iter().map(middle).collect();
        self.inner.draw_path(path, &wide(style))
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Result<(), Self::ErrorType> {
        self.inner.draw_circle(middle(center), radius * FINER as u32, &wide(style), fill)
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Result<(), Self::ErrorType> {
        let corners: Vec<_> = corners.into_iter().map(middle).collect();
        self.inner.fill_polygon(corners, &wide(style))
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), Self::ErrorType> {
        let em = style.size() / PER_EM;
        Ok((font::width(text, em as i32) as u32, em as u32))
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        at: BackendCoord,
    ) -> Result<(), Self::ErrorType> {
        let em = (style.size() / PER_EM) as f32 * FINER as f32;
        let (letters, width) = font::placed(text, em);
        let left = match style.anchor().h_pos {
            HPos::Left => 0.0,
            HPos::Right => -width,
            HPos::Center => -width / 2.0,
        };
        let base = match style.anchor().v_pos {
            VPos::Top => CAPITAL * em,
            VPos::Center => CAPITAL * em / 2.0,
            VPos::Bottom => 0.0,
        };
        let (color, (x0, y0)) = (style.color(), middle(at));
        for letter in letters {
            let place = point(left + letter.x, base);
            let glyph = letter.glyph.with_scale_and_position(font::scale(em), place);
            let Some(outline) = font::font().outline_glyph(glyph) else { continue };
            let bounds = outline.px_bounds();
            let mut dots = Vec::new();
            outline.draw(|x, y, cover| {
                let (x, y) = (x as f32 + bounds.min.x, y as f32 + bounds.min.y);
                dots.push(((x as i32, y as i32), f64::from(cover.min(1.0))));
            });
            for ((x, y), cover) in dots.into_iter().filter(|(_, cover)| 0.0 < *cover) {
                let (x, y) = match style.transform() {
                    FontTransform::None => (x, y),
                    FontTransform::Rotate90 => (-y, x),
                    FontTransform::Rotate180 => (-x, -y),
                    FontTransform::Rotate270 => (y, -x),
                };
                let color = BackendColor { alpha: color.alpha * cover, ..color };
                self.inner.draw_pixel((x0 + x, y0 + y), color)?;
            }
        }
        Ok(())
    }
}

/// Returns a third of the size: each pixel is the average of nine.
fn averaged(pixels: &[u8]) -> Vec<u8> {
    let (width, height, finer) = (SIZE.0 as usize, SIZE.1 as usize, FINER as usize);
    let mut out = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            for part in 0..3 {
                let of = |place: usize| {
                    let (row, column) = (y * finer + place / finer, x * finer + place % finer);
                    u32::from(pixels[(row * width * finer + column) * 3 + part])
                };
                let sum: u32 = (0..finer * finer).map(of).sum();
                out.push((sum / (finer * finer) as u32) as u8);
            }
        }
    }
    out
}

fn encoded(pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIZE.0, SIZE.1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(pixels));
    written.expect("a vector takes every byte of an image of the right size");
    bytes
}
