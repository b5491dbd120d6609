//! The colours, and how far apart people with colour blindness see them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Dashboard;

/// The colours by name. The first eight are the colours of the states.
pub const PALETTE: [(&str, &str); 9] = [
    ("green", "#7acb85"),
    ("yellow", "#fff131"),
    ("pale blue", "#b1d0fa"),
    ("orange", "#d48917"),
    ("pink", "#c5588e"),
    ("purple", "#661876"),
    ("red", "#b22f2a"),
    ("dark blue", "#033ccf"),
    ("grey", "#808080"),
];

/// Colours without a meaning, from Grafana's theme.
const NEUTRAL: [&str; 4] = ["blue", "rgba(0, 211, 255, 1)", "text", "transparent"];

/// The least difference of two states: in lightness (L* of CIELAB), and in CIELAB as a whole (ΔE*ab), in which 2.3 is just
/// noticeable.
const LEAST_LIGHTNESS: f64 = 6.0;
const LEAST_DISTANCE: f64 = 30.0;

type Vector = [f64; 3];
type Matrix = [Vector; 3];

/// What people with and without colour blindness see of linear RGB. From Machado, Oliveira and Fernandes, "A
/// Physiologically-based Model for Simulation of Color Vision Deficiency" (2009), severity 1.0.
const VISIONS: [(&str, Matrix); 3] = [
    (
        "normal vision",
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    ),
    (
        "deuteranopia",
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
    ),
    (
        "protanopia",
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
    ),
];

/// From linear sRGB to XYZ, divided by the white point D65.
const XYZ: Matrix = [
    [0.433953, 0.376219, 0.189828],
    [0.212673, 0.715152, 0.072175],
    [0.017758, 0.109477, 0.872766],
];

/// The name of a colour in the palette; a neutral colour is its own name.
pub fn name_of(colour: &str) -> &str {
    let named = PALETTE.iter().find(|(_, hex)| *hex == colour);
    named.map_or(colour, |(name, _)| name)
}

fn multiplied(matrix: &Matrix, vector: Vector) -> Vector {
    matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
}

/// The components of a colour such as `#7acb85`, without sRGB's gamma.
fn linear(hex: &str) -> Vector {
    [1, 3, 5].map(|at| {
        let byte = u8::from_str_radix(&hex[at..at + 2], 16).expect("two digits");
        let part = f64::from(byte) / 255.0;
        if part <= 0.04045 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    })
}

/// The CIELAB coordinates of a colour as seen with this vision.
fn lab(hex: &str, vision: &Matrix) -> Vector {
    let seen = multiplied(vision, linear(hex)).map(|part| part.clamp(0.0, 1.0));
    let [x, y, z] = multiplied(&XYZ, seen).map(|part| {
        if part > 216.0 / 24389.0 {
            part.cbrt()
        } else {
            (24389.0 / 27.0 * part + 16.0) / 116.0
        }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn distance(one: Vector, other: Vector) -> f64 {
    let squares = one.iter().zip(other).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>().sqrt()
}

#[test]
fn states_differ_for_people_with_colour_blindness() {
    let states = &PALETTE[..8];
    for (vision, matrix) in &VISIONS {
        for (at, (one, hex)) in states.iter().enumerate() {
            for (other, other_hex) in &states[..at] {
                let (a, b) = (lab(hex, matrix), lab(other_hex, matrix));
                let (lightness, distance) = ((a[0] - b[0]).abs(), distance(a, b));
                assert!(
                    lightness >= LEAST_LIGHTNESS && distance >= LEAST_DISTANCE,
                    "{vision}: {one} and {other} differ by {lightness:.1} in lightness, {distance:.1} in all"
                );
            }
        }
    }
}

/// Grafana's red and dark red look alike to everybody, green and brown to people with deuteranopia.
#[test]
fn colours_that_look_alike_have_a_small_distance() {
    let [(_, normal), (_, deuteranopia), _] = &VISIONS;
    let between = |one, other, vision| distance(lab(one, vision), lab(other, vision));
    assert!(between("#e02f44", "#c4162a", normal) < LEAST_DISTANCE);
    let (green, brown) = ("#5f9e3f", "#b58a3f");
    let seen_normally = between(green, brown, normal);
    assert!(between(green, brown, deuteranopia) < seen_normally / 2.0);
    let white = lab("#ffffff", normal);
    assert!(distance(white, [100.0, 0.0, 0.0]) < 0.1, "{white:?}");
}

/// The values of these keys, anywhere inside.
fn colours(json: &Value, found: &mut BTreeSet<String>) {
    match json {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_str() {
                    Some(colour) if ["color", "fixedColor", "iconColor"].contains(&&**key) => {
                        found.insert(colour.to_owned());
                    }
                    _ => colours(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| colours(value, found)),
        _ => {}
    }
}

#[test]
fn every_colour_is_in_the_palette() {
    for dashboard in Dashboard::all() {
        let mut found = BTreeSet::new();
        colours(&dashboard.json, &mut found);
        assert!(found.len() > 5, "{found:?}");
        for colour in found {
            let known = name_of(&colour) != colour || NEUTRAL.contains(&&*colour);
            assert!(known, "{}: {colour}", dashboard.name());
        }
    }
}
