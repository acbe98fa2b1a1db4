//! Renderings of hand-made trials.

mod example;
mod group_example;
mod groups;
mod rendering;
mod words;
