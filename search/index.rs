//! The index on disk: its fields, writing it record by record with the position in the store's journal that it holds, and what is wrong with it.

use crate::{
    Entry, Key,
    entry::{placed, terms},
    find::Columns,
    normal::folded,
    pinyin,
};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use tantivy::{
    IndexReader, IndexWriter, InvertedIndexReader, ReloadPolicy, Searcher, SegmentReader, TantivyDocument,
    TantivyError, Term,
    directory::{MmapDirectory, RamDirectory},
    merge_policy::{LogMergePolicy, MergePolicy, NoMergePolicy},
    schema::{FAST, Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions},
    tokenizer::{TextAnalyzer, Token, TokenStream, Tokenizer},
};

/// Raised when entries get other terms or fields: an index of another format is built anew.
pub const FORMAT: u32 = 1;
/// Parts the terms of a field; occurs in no text.
pub(crate) const PARTS: char = '\u{1f}';

/// Why the index cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// There is none yet.
    #[error("there is no index")]
    Missing,
    /// It was written by another version.
    #[error("the index has another format")]
    Format,
    /// It cannot be read or written.
    #[error("{0}")]
    Broken(String),
}

impl From<TantivyError> for Damage {
    fn from(error: TantivyError) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Fields of an entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields {
    key: Field,
    pub terms: Field,
    pub text: Field,
    space: Field,
    kind: Field,
    id: Field,
    within: Field,
    event: Field,
    department: Field,
    owner: Field,
    at: Field,
    order: Field,
    page: Field,
    print: Field,
}

fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let text = |option, parts: &str| {
        let indexing = TextFieldIndexing::default().set_tokenizer(parts).set_index_option(option).set_fieldnorms(false);
        TextOptions::default().set_indexing_options(indexing)
    };
    let key = schema.add_text_field("key", text(IndexRecordOption::Basic, "parts"));
    let terms = schema.add_text_field("terms", text(IndexRecordOption::Basic, "parts"));
    let words = schema.add_text_field("text", text(IndexRecordOption::WithFreqsAndPositions, "parts"));
    let mut number = |name: &str| schema.add_u64_field(name, NumericOptions::default() | FAST);
    let (space, kind, id, within, event) =
        (number("space"), number("kind"), number("id"), number("within"), number("event"));
    let (department, owner, order) = (number("department"), number("owner"), number("order"));
    let (page, print) = (number("page"), number("print"));
    let at = schema.add_i64_field("at", NumericOptions::default() | FAST);
    let fields =
        Fields { key, terms, text: words, space, kind, id, within, event, department, owner, at, order, page, print };
    (schema.build(), fields)
}

/// Takes a field apart at [`PARTS`].
#[derive(Clone, Default)]
struct Parts {
    token: Token,
}

struct PartStream<'a> {
    rest: Option<&'a str>,
    token: &'a mut Token,
}

impl Tokenizer for Parts {
    type TokenStream<'a> = PartStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> PartStream<'a> {
        self.token.reset();
        self.token.position = usize::MAX;
        PartStream { rest: (!text.is_empty()).then_some(text), token: &mut self.token }
    }
}

impl TokenStream for PartStream<'_> {
    fn advance(&mut self) -> bool {
        let Some(rest) = self.rest else { return false };
        let (part, rest) = rest.split_once(PARTS).map_or((rest, None), |(part, rest)| (part, Some(rest)));
        self.rest = rest;
        self.token.text.clear();
        self.token.text.push_str(part);
        self.token.position = self.token.position.wrapping_add(1);
        self.token.position_length = 1;
        true
    }
    fn token(&self) -> &Token {
        self.token
    }
    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

/// Memory of the writer that keeps up with changes.
const LIVE_BYTES: usize = 16 << 20;
/// Memory of the writer that builds an index.
const BUILD_BYTES: usize = 48 << 20;

/// What an index is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Keeping up with changes.
    Live,
    /// Building it from everything.
    Build,
}

/// An index, open for searching and for one writer.
pub struct Index {
    pub(crate) fields: Fields,
    index: tantivy::Index,
    reader: IndexReader,
    ready: RwLock<Arc<Ready>>,
    writer: Mutex<IndexWriter<TantivyDocument>>,
    folder: Option<PathBuf>,
}

/// A piece of the index with everything opened that a search needs of it.
pub(crate) struct Segment {
    pub reader: SegmentReader,
    pub terms: Arc<InvertedIndexReader>,
    pub text: Arc<InvertedIndexReader>,
    pub columns: Columns,
}

/// All pieces as they were when the index changed last; opening them for each search would cost more than the search.
pub(crate) struct Ready {
    searcher: Searcher,
    pub segments: Vec<Segment>,
}

impl Ready {
    fn open(searcher: Searcher, fields: &Fields) -> Result<Self, Damage> {
        let mut segments = Vec::with_capacity(searcher.segment_readers().len());
        for reader in searcher.segment_readers() {
            segments.push(Segment {
                reader: reader.clone(),
                terms: reader.inverted_index(fields.terms)?,
                text: reader.inverted_index(fields.text)?,
                columns: Columns::of(reader)?,
            });
        }
        Ok(Self { searcher, segments })
    }
}

/// The records of one key; none of them: it is gone.
pub struct Change {
    /// Which record.
    pub key: Key,
    /// What is searched of it: one entry, or one for each page.
    pub entries: Vec<Entry>,
}

/// What an index says of one record: its key and the fingerprint of its entries.
pub type Print = (Key, u64);

/// How pieces of an index in use are merged.
fn merging() -> Box<dyn MergePolicy> {
    let mut policy = LogMergePolicy::default();
    policy.set_del_docs_ratio_before_merge(0.3);
    policy.set_min_num_segments(5);
    Box::new(policy)
}

impl Index {
    /// A new, empty index in an empty folder; in memory without one.
    pub fn create(folder: Option<&Path>, used: Use) -> Result<Self, Damage> {
        let (schema, fields) = schema();
        let index = match folder {
            Some(folder) => {
                std::fs::create_dir_all(folder).map_err(|error| Damage::Broken(error.to_string()))?;
                let directory = MmapDirectory::open(folder).map_err(|error| Damage::Broken(error.to_string()))?;
                tantivy::Index::open_or_create(directory, schema)?
            }
            None => tantivy::Index::open_or_create(RamDirectory::create(), schema)?,
        };
        Self::on(index, fields, folder, used)
    }

    /// The index of a folder, with the position that it holds. Every byte of it is checked.
    pub fn open(folder: &Path, used: Use) -> Result<(Self, u64), Damage> {
        let directory = MmapDirectory::open(folder).map_err(|error| Damage::Broken(error.to_string()))?;
        if !tantivy::Index::exists(&directory).map_err(|error| Damage::Broken(error.to_string()))? {
            return Err(Damage::Missing);
        }
        let index = tantivy::Index::open(directory)?;
        let (schema, fields) = schema();
        if index.schema() != schema {
            return Err(Damage::Format);
        }
        let broken = index.validate_checksum()?;
        if let Some(file) = broken.iter().next() {
            return Err(Damage::Broken(format!("{} is damaged", file.display())));
        }
        let payload = index.load_metas()?.payload.ok_or(Damage::Missing)?;
        let (format, position) = payload.split_once(' ').ok_or(Damage::Format)?;
        if format != FORMAT.to_string() {
            return Err(Damage::Format);
        }
        let position = position.parse().map_err(|_| Damage::Format)?;
        Ok((Self::on(index, fields, Some(folder), used)?, position))
    }

    fn on(index: tantivy::Index, fields: Fields, folder: Option<&Path>, used: Use) -> Result<Self, Damage> {
        index.tokenizers().register("parts", TextAnalyzer::builder(Parts::default()).build());
        let bytes = if used == Use::Build { BUILD_BYTES } else { LIVE_BYTES };
        let writer = index.writer_with_num_threads(1, bytes)?;
        // While it is built nothing is merged on the side: the end merges all pieces, and finds none of them gone.
        writer.set_merge_policy(if used == Use::Build { Box::new(NoMergePolicy) } else { merging() });
        let reader: IndexReader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let ready = RwLock::new(Arc::new(Ready::open(reader.searcher(), &fields)?));
        Ok(Self { fields, index, reader, ready, writer: Mutex::new(writer), folder: folder.map(Path::to_owned) })
    }

    /// Shows searches what was committed.
    fn reload(&self) -> Result<(), Damage> {
        self.reader.reload()?;
        let ready = Ready::open(self.reader.searcher(), &self.fields)?;
        *self.ready.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ready);
        Ok(())
    }

    pub(crate) fn ready(&self) -> Arc<Ready> {
        self.ready.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn writer(&self) -> MutexGuard<'_, IndexWriter<TantivyDocument>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes changes in and makes them found. When it returns, they and the position are on disk.
    pub fn apply(&self, changes: &[Change], position: u64) -> Result<(), Damage> {
        let mut writer = self.writer();
        for change in changes {
            writer.delete_term(Term::from_field_text(self.fields.key, &change.key.term()));
            for entry in &change.entries {
                writer.add_document(self.document(entry))?;
            }
        }
        commit(&mut writer, position)?;
        drop(writer);
        self.reload()
    }

    /// Takes an entry in that is known to be new; nothing is found before [`Self::finish`].
    pub fn add(&self, entry: &Entry) -> Result<(), Damage> {
        self.writer().add_document(self.document(entry))?;
        Ok(())
    }

    /// Ends the building: everything on disk and in as few pieces as may be.
    pub fn finish(&self, position: u64) -> Result<(), Damage> {
        let mut writer = self.writer();
        commit(&mut writer, position)?;
        let pieces = self.index.searchable_segment_ids()?;
        if pieces.len() > 1 {
            writer.merge(&pieces).wait()?;
        }
        commit(&mut writer, position)?;
        writer.garbage_collect_files().wait()?;
        writer.set_merge_policy(merging());
        drop(writer);
        self.reload()
    }

    fn document(&self, entry: &Entry) -> TantivyDocument {
        let fields = &self.fields;
        let mut document = TantivyDocument::default();
        let found = terms(entry);
        let mut all = String::with_capacity(found.iter().map(|term| term.len() + 1).sum());
        for term in &found {
            if !all.is_empty() {
                all.push(PARTS);
            }
            all.push_str(term);
        }
        document.add_text(fields.key, entry.key.term());
        document.add_text(fields.terms, all);
        let placed = placed(entry);
        if !placed.is_empty() {
            document.add_text(fields.text, placed);
        }
        document.add_u64(fields.space, entry.key.space);
        document.add_u64(fields.kind, u64::from(entry.key.kind));
        document.add_u64(fields.id, entry.key.id);
        document.add_u64(fields.within, entry.key.event);
        document.add_u64(fields.event, entry.event);
        document.add_u64(fields.department, entry.department);
        document.add_u64(fields.owner, entry.owner);
        document.add_i64(fields.at, entry.at);
        document.add_u64(fields.order, pinyin::order(&folded(&entry.name)));
        document.add_u64(fields.page, u64::from(entry.page));
        document.add_u64(fields.print, print(entry));
        document
    }

    /// How many entries there are.
    pub fn entries(&self) -> u64 {
        self.ready().searcher.num_docs()
    }

    /// Every record that is in it, with its fingerprint; records of several pages once for each.
    pub fn prints(&self, mut each: impl FnMut(Print)) -> Result<(), Damage> {
        for segment in self.ready().searcher.segment_readers() {
            let columns = segment.fast_fields();
            let read = |name: &str| columns.column_first_or_default::<u64>(name);
            let (space, kind, id, within, print) =
                (read("space")?, read("kind")?, read("id")?, read("within")?, read("print")?);
            for doc in segment.doc_ids_alive() {
                let kind = u8::try_from(kind.get_val(doc)).unwrap_or(u8::MAX);
                let key = Key { space: space.get_val(doc), kind, id: id.get_val(doc), event: within.get_val(doc) };
                each((key, print.get_val(doc)));
            }
        }
        Ok(())
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        let Some(folder) = &self.folder else { return 0 };
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        files.filter_map(|file| file.metadata().ok()).map(|meta| meta.len()).sum()
    }

    /// Pieces that a search looks through.
    pub fn pieces(&self) -> usize {
        self.ready().segments.len()
    }
}

fn commit(writer: &mut IndexWriter<TantivyDocument>, position: u64) -> Result<(), Damage> {
    let mut prepared = writer.prepare_commit()?;
    prepared.set_payload(&format!("{FORMAT} {position}"));
    prepared.commit()?;
    Ok(())
}

/// A fingerprint of everything that is searched of an entry, 32 bits (FNV-1a).
pub fn print(entry: &Entry) -> u64 {
    let mut hash = 0x811c_9dc5_u32;
    let mut take = |bytes: &[u8]| {
        // A part's end counts too: nothing may pass from one to the next.
        for byte in bytes.iter().chain(&[0xff]) {
            hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    };
    let numbers = [entry.key.space, entry.key.kind.into(), entry.key.id, entry.key.event, entry.event];
    numbers.iter().for_each(|number| take(&number.to_le_bytes()));
    let numbers = [entry.department, entry.owner, entry.at.cast_unsigned(), entry.page.into()];
    numbers.iter().for_each(|number| take(&number.to_le_bytes()));
    [&entry.name, &entry.company, &entry.group, &entry.words, &entry.text]
        .iter()
        .for_each(|text| take(text.as_bytes()));
    entry.numbers.iter().chain(&entry.secrets).for_each(|text| take(text.as_bytes()));
    if let Some(phone) = &entry.phone {
        take(phone.digits.as_bytes());
    }
    u64::from(hash)
}
