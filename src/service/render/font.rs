//! The box's fonts: finding one with Chinese characters, and measuring texts by it.

use domain::design::fit::estimate;
use resvg::usvg::fontdb::{Database, Family, ID, Query};
use skrifa::{FontRef, MetadataProvider, instance::LocationRef, instance::Size};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Families that people would choose, the best first.
const FAMILIES: &[&str] = &[
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Noto Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
];

/// A character that a font for Chinese texts has.
const PROBE: char = '馆';
/// Most widths that are remembered.
const WIDTHS_MAX: usize = 60_000;

/// The fonts of a box.
pub struct Fonts {
    db: Arc<Database>,
    /// Name and face of the one for Chinese.
    chinese: Option<(String, ID)>,
    widths: Mutex<HashMap<char, f32>>,
}

impl Fonts {
    /// The system's fonts, looked for once.
    pub fn system() -> &'static Self {
        static SYSTEM: OnceLock<Fonts> = OnceLock::new();
        SYSTEM.get_or_init(|| {
            let mut db = Database::new();
            db.load_system_fonts();
            Self::of(db)
        })
    }

    /// The fonts in these folders.
    pub fn in_folders(folders: &[PathBuf]) -> Self {
        let mut db = Database::new();
        folders.iter().for_each(|folder| db.load_fonts_dir(folder));
        Self::of(db)
    }

    fn of(mut db: Database) -> Self {
        let chosen = FAMILIES.iter().find_map(|family| {
            let id = db.query(&Query { families: &[Family::Name(family)], ..Query::default() })?;
            has_chinese(&db, id).then(|| ((*family).to_owned(), id))
        });
        let any = || {
            db.faces().find(|face| has_chinese(&db, face.id)).and_then(|face| {
                let (name, _) = face.families.first()?;
                Some((name.clone(), face.id))
            })
        };
        let chinese = chosen.or_else(any);
        if let Some((family, _)) = &chinese {
            db.set_sans_serif_family(family.clone());
        }
        Self { db: Arc::new(db), chinese, widths: Mutex::default() }
    }

    /// The family for Chinese.
    pub fn family(&self) -> Option<&str> {
        self.chinese.as_ref().map(|(family, _)| family.as_str())
    }

    pub(super) fn database(&self) -> Arc<Database> {
        self.db.clone()
    }

    /// How wide a text is by height of type; an estimate for characters that the font does not have.
    pub fn measure(&self, text: &str) -> f32 {
        let Some((_, face)) = &self.chinese else { return estimate(text) };
        let mut widths = self.widths.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown: Vec<char> = text.chars().filter(|c| !widths.contains_key(c)).collect();
        if !unknown.is_empty() {
            if widths.len() + unknown.len() > WIDTHS_MAX {
                widths.clear();
            }
            widths.extend(self.widths_of(*face, &unknown));
        }
        text.chars().map(|c| widths.get(&c).copied().unwrap_or(1.0)).sum()
    }

    fn widths_of(&self, face: ID, characters: &[char]) -> Vec<(char, f32)> {
        let guess = |c: char| estimate(c.encode_utf8(&mut [0; 4]));
        let read = self.db.with_face_data(face, |data, index| {
            let font = FontRef::from_index(data, index).ok()?;
            let (map, metrics) = (font.charmap(), font.glyph_metrics(Size::new(1.0), LocationRef::default()));
            let width = |c: char| map.map(c).and_then(|glyph| metrics.advance_width(glyph)).unwrap_or_else(|| guess(c));
            Some(characters.iter().map(|c| (*c, width(*c))).collect::<Vec<_>>())
        });
        read.flatten().unwrap_or_else(|| characters.iter().map(|c| (*c, guess(*c))).collect())
    }
}

fn has_chinese(db: &Database, id: ID) -> bool {
    let found = db.with_face_data(id, |data, index| {
        let font = FontRef::from_index(data, index).ok()?;
        font.charmap().map(PROBE)
    });
    found.flatten().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_has_a_chinese_font_and_it_measures_by_it() {
        let fonts = Fonts::system();
        assert!(fonts.family().is_some(), "tests need a font with Chinese characters, such as fonts-wqy-microhei");
        assert!((fonts.measure("会馆") - 2.0).abs() < 0.1);
        assert!(fonts.measure("iii") < fonts.measure("WWW"));
        assert_eq!(fonts.measure(""), 0.0);
    }

    #[test]
    fn without_fonts_texts_are_measured_by_estimate() {
        let folder = tempfile::tempdir().unwrap();
        let fonts = Fonts::in_folders(&[folder.path().to_owned()]);
        assert_eq!(fonts.family(), None);
        assert_eq!(fonts.measure("会馆i"), 2.3);
    }
}
