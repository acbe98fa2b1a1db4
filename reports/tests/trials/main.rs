//! Renderings of hand-made trials.

mod example;
mod rendering;
