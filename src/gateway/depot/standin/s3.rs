//! An S3-like storage: every signature is computed anew, hashes of bodies and dates are checked, lists have pages, parts have a least size.

use super::{Shelf, Taking};
use crate::{
    depot::{
        sign::{self, Signed, Signer, sha256},
        xml,
    },
    standin::{Answered, Asked, Standin, escaped},
};
use bytes::Bytes;
use domain::{Time, time::MINUTE};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// How large things are here.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Names on one page of a list.
    pub page: usize,
    /// Least bytes of a part that is not the last.
    pub part: usize,
}

/// A running one.
pub struct S3Server {
    /// Its base address.
    pub base: String,
    /// What lies in the bucket `shelf`, by keys.
    pub shelf: Shelf,
    _standin: Standin,
}

/// What is being sent in parts: by number of the upload, its key and parts.
type Uploads = BTreeMap<String, (String, BTreeMap<u32, Bytes>)>;

struct Storage {
    secret: String,
    sizes: Sizes,
    now: Arc<dyn Fn() -> Time + Send + Sync>,
    shelf: Shelf,
    uploads: Mutex<Uploads>,
}

/// The access key that it knows.
const KEY: &str = "AKIDSHELF";
const BUCKET: &str = "shelf";
const REGION: &str = "cn-east-1";

impl S3Server {
    /// The access key that it knows.
    pub const KEY: &str = KEY;
    /// Its bucket.
    pub const BUCKET: &str = BUCKET;
    /// Its region.
    pub const REGION: &str = REGION;

    /// Starts one.
    pub async fn start(
        secret: &str,
        sizes: Sizes,
        now: impl Fn() -> Time + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let shelf = Shelf::default();
        let storage = Storage {
            secret: secret.to_owned(),
            sizes,
            now: Arc::new(now),
            shelf: shelf.clone(),
            uploads: Mutex::default(),
        };
        let standin =
            Standin::start(move |asked| storage.check(&asked).unwrap_or_else(|| storage.answer(&asked))).await?;
        Ok(Self { base: standin.base.clone(), shelf, _standin: standin })
    }
}

fn refused(status: u16, code: &str) -> Answered {
    Answered::status(status, format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>"))
}

impl Storage {
    /// What is wrong with a request before anything is done.
    fn check(&self, asked: &Asked) -> Option<Answered> {
        let part = |name: &str| {
            let text = asked.header("authorization").strip_prefix("AWS4-HMAC-SHA256 ")?;
            text.split(',').find_map(|part| part.trim().strip_prefix(name)).map(str::to_owned)
        };
        let (Some(credential), Some(names)) = (part("Credential="), part("SignedHeaders=")) else {
            return Some(refused(403, "AccessDenied"));
        };
        let mut scope = credential.split('/');
        if scope.next() != Some(KEY) {
            return Some(refused(403, "InvalidAccessKeyId"));
        }
        let at = asked.header("x-amz-date").to_owned();
        if scope.next() != at.get(..8) || scope.next() != Some(REGION) {
            return Some(refused(400, "AuthorizationHeaderMalformed"));
        }
        let now = (self.now)();
        let near = (-15..=15).any(|minutes| {
            let day = sign::stamp(now.plus(minutes * MINUTE));
            day.get(..13) == at.get(..13)
        });
        if !near {
            return Some(refused(403, "RequestTimeTooSkewed"));
        }
        let hash = asked.header("x-amz-content-sha256").to_owned();
        if sha256(&asked.body) != hash {
            return Some(refused(400, "XAmzContentSHA256Mismatch"));
        }
        let headers: Vec<(&str, String)> = names.split(';').map(|name| (name, asked.header(name).to_owned())).collect();
        let must = ["host", "x-amz-content-sha256", "x-amz-date"];
        if !must.iter().all(|must| headers.iter().any(|(name, value)| name == must && !value.is_empty())) {
            return Some(refused(403, "AccessDenied"));
        }
        let query: Vec<(String, String)> = asked
            .query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let signer = Signer { key: KEY, secret: &self.secret, region: REGION };
        let signed = Signed { method: &asked.method, path: &asked.path, query: &query, headers: &headers, body: &hash };
        (signer.sign(&at, &signed) != asked.header("authorization")).then(|| refused(403, "SignatureDoesNotMatch"))
    }

    fn answer(&self, asked: &Asked) -> Answered {
        let path = asked.path.trim_start_matches('/');
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let key = asked.pairs(&format!("key={key}")).pop().map(|(_, key)| key).unwrap_or_default();
        let key = key.as_str();
        if bucket != BUCKET {
            return refused(404, "NoSuchBucket");
        }
        let query = |name: &str| asked.asked(name);
        match (asked.method.as_str(), key, query("uploadId")) {
            ("GET", "", _) if query("uploads").is_some() => self.uploads(&query("prefix").unwrap_or_default()),
            ("GET", "", _) => self.list(asked),
            ("POST", key, None) if query("uploads").is_some() => self.begin(key),
            ("PUT", _, Some(id)) => self.part(&id, &query("partNumber").unwrap_or_default(), &asked.body),
            ("POST", key, Some(id)) => self.complete(key, &id, &asked.body),
            ("DELETE", _, Some(id)) => match self.open().remove(&id) {
                Some(_) => Answered::status(204, ""),
                None => refused(404, "NoSuchUpload"),
            },
            ("PUT", key, None) => {
                let mut kept = self.shelf.lock();
                match kept.take(key, asked.body.len() as u64) {
                    Taking::Cut => Answered::cut(),
                    Taking::Full => refused(400, "QuotaExceeded"),
                    Taking::Take => {
                        kept.files.insert(key.to_owned(), asked.body.clone());
                        Answered::status(200, "")
                    }
                }
            }
            ("GET", key, None) => match self.shelf.lock().files.get(key) {
                Some(file) => Answered::status(200, file.clone()),
                None => refused(404, "NoSuchKey"),
            },
            ("DELETE", key, None) => {
                self.shelf.lock().files.remove(key);
                Answered::status(204, "")
            }
            _ => refused(405, "MethodNotAllowed"),
        }
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Uploads> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn list(&self, asked: &Asked) -> Answered {
        if asked.asked("list-type").as_deref() != Some("2") {
            return refused(400, "InvalidArgument");
        }
        let prefix = asked.asked("prefix").unwrap_or_default();
        let (flat, after) = (asked.asked("delimiter").is_none(), asked.asked("continuation-token"));
        let mut all = BTreeSet::new();
        let kept = self.shelf.lock();
        for key in kept.files.keys().filter_map(|key| key.strip_prefix(&prefix)) {
            match key.split_once('/') {
                Some((folder, _)) if !flat => all.insert(format!("{folder}/")),
                _ => all.insert(key.to_owned()),
            };
        }
        // A token has characters that must be encoded.
        let from = after.as_deref().and_then(|after| after.strip_prefix("+/=")).map(str::to_owned);
        let rest: Vec<&String> = all.iter().filter(|key| from.as_ref().is_none_or(|from| *key > from)).collect();
        let page: Vec<&&String> = rest.iter().take(self.sizes.page).collect();
        let mut text = format!("<IsTruncated>{}</IsTruncated>", rest.len() > page.len());
        for key in &page {
            let whole = escaped(&format!("{prefix}{key}"));
            if key.ends_with('/') {
                text.push_str(&format!("<CommonPrefixes><Prefix>{whole}</Prefix></CommonPrefixes>"));
            } else {
                let bytes = kept.files.get(&format!("{prefix}{key}")).map_or(0, Bytes::len);
                text.push_str(&format!("<Contents><Key>{whole}</Key><Size>{bytes}</Size></Contents>"));
            }
        }
        if let Some(last) = page.last().filter(|_| rest.len() > page.len()) {
            text.push_str(&format!("<NextContinuationToken>+/={}</NextContinuationToken>", escaped(last)));
        }
        Answered::status(200, format!("<ListBucketResult>{text}</ListBucketResult>"))
    }

    fn uploads(&self, prefix: &str) -> Answered {
        let rows: String = self
            .open()
            .iter()
            .filter(|(_, (key, _))| key.starts_with(prefix))
            .map(|(id, (key, _))| format!("<Upload><Key>{}</Key><UploadId>{id}</UploadId></Upload>", escaped(key)))
            .collect();
        Answered::status(200, format!("<ListMultipartUploadsResult>{rows}</ListMultipartUploadsResult>"))
    }

    fn begin(&self, key: &str) -> Answered {
        let mut open = self.open();
        let id = format!("up+{}/=", open.len() + 1);
        open.insert(id.clone(), (key.to_owned(), BTreeMap::new()));
        Answered::status(
            200,
            format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"),
        )
    }

    fn part(&self, id: &str, number: &str, body: &Bytes) -> Answered {
        let mut open = self.open();
        let (Some((key, parts)), Ok(number)) = (open.get_mut(id), number.parse()) else {
            return refused(404, "NoSuchUpload");
        };
        let others: usize = parts.iter().filter(|(kept, _)| **kept != number).map(|(_, part)| part.len()).sum();
        match self.shelf.lock().take(key, (others + body.len()) as u64) {
            Taking::Cut => Answered::cut(),
            Taking::Full => refused(400, "QuotaExceeded"),
            Taking::Take => {
                parts.insert(number, body.clone());
                Answered::status(200, "").header("etag", &format!("\"{}\"", sha256(body)))
            }
        }
    }

    fn complete(&self, key: &str, id: &str, body: &Bytes) -> Answered {
        let Some((_, parts)) = self.open().remove(id).filter(|(kept, _)| kept == key) else {
            return refused(404, "NoSuchUpload");
        };
        let named: Vec<(String, String)> = xml::rows(body)
            .unwrap_or_default()
            .iter()
            .filter_map(|row| Some((row.get("PartNumber")?.to_owned(), row.get("ETag")?.to_owned())))
            .collect();
        let there: Vec<(String, String)> =
            parts.iter().map(|(number, bytes)| (number.to_string(), format!("\"{}\"", sha256(bytes)))).collect();
        if named != there {
            return refused(400, "InvalidPart");
        }
        let last = parts.len().saturating_sub(1);
        if parts.values().take(last).any(|part| part.len() < self.sizes.part) {
            // As the real ones do with what takes long: a good status, and the refusal in the text.
            return refused(200, "EntityTooSmall");
        }
        let whole: Vec<u8> = parts.values().flat_map(|part| part.to_vec()).collect();
        self.shelf.lock().files.insert(key.to_owned(), whole.into());
        Answered::status(200, "<CompleteMultipartUploadResult><ETag>\"x\"</ETag></CompleteMultipartUploadResult>")
    }
}
