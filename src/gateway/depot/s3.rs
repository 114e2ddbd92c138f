//! S3-like storage: large files go in parts that become one file at the end, and a file counts when a listing shows it (Amazon S3 API reference,
//! which the others follow). Requests are signed, with the hash of what they send.

use super::{
    ASK_TIME, Depot, Doing, FILE_TIME, Fault, Found, LIST_MAX, NAMES_MAX, STALL, Source, length_of,
    sign::{self, Signed, Signer, sha256},
    whole,
    xml::{self, Row},
};
use crate::{
    address::encoded,
    egress::{Call, Egress, Reach, Reply, Slice, Trouble},
};
use reqwest::Method;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// Files up to so many bytes go at once; larger ones in parts of as many.
const PART: u64 = 64 << 20;
/// Most parts of one file.
const PARTS_MAX: u64 = 9_000;
/// Longest answer that is no list.
const ANSWER_MAX: usize = 4 << 20;

/// Where files lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Scheme, host and perhaps port.
    pub base: String,
    /// The bucket.
    pub bucket: String,
    /// What all names begin with; no slash at either end, perhaps empty.
    pub prefix: String,
    /// The region that is signed.
    pub region: String,
    /// The bucket is a part of the host's name, not of the path.
    pub by_host: bool,
}

/// A bucket and whoever may use it.
pub struct S3 {
    egress: Egress,
    at: Bucket,
    key: String,
    secret: String,
    part: u64,
    stall: Duration,
}

/// What one request is made of.
struct Ask<'a> {
    method: Method,
    /// The file; empty for the bucket.
    path: &'a str,
    query: Vec<(&'a str, &'a str)>,
    body: String,
    slice: Option<(Slice, String)>,
}

impl<'a> Ask<'a> {
    fn new(method: Method, path: &'a str, query: Vec<(&'a str, &'a str)>) -> Self {
        Self { method, path, query, body: String::new(), slice: None }
    }
}

impl S3 {
    /// A bucket, by an access key and its secret.
    pub fn new(egress: Egress, at: Bucket, key: &str, secret: &str) -> Self {
        Self { egress, at, key: key.to_owned(), secret: secret.to_owned(), part: PART, stall: STALL }
    }

    /// Gives up when nothing moves for so long.
    pub fn patience(self, stall: Duration) -> Self {
        Self { stall, ..self }
    }

    /// Files larger than so many bytes go in parts of as many.
    pub fn parts_of(self, part: u64) -> Self {
        Self { part: part.max(1), ..self }
    }

    fn full(&self, path: &str) -> String {
        match (self.at.prefix.as_str(), path) {
            ("", path) => path.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, path) => format!("{prefix}/{path}"),
        }
    }

    /// Base address and host.
    fn host(&self) -> (String, String) {
        let (scheme, host) = self.at.base.split_once("://").unwrap_or(("https", &self.at.base));
        let host = if self.at.by_host { format!("{}.{host}", self.at.bucket) } else { host.to_owned() };
        (format!("{scheme}://{host}"), host)
    }

    /// The encoded path of a file; of the bucket itself where it is empty.
    fn path(&self, path: &str) -> String {
        let name = path.split('/').map(encoded).collect::<Vec<_>>().join("/");
        match (self.at.by_host, path) {
            (true, _) => format!("/{name}"),
            // A bucket that is asked about has no slash behind it.
            (false, "") => format!("/{}", self.at.bucket),
            (false, _) => format!("/{}/{name}", self.at.bucket),
        }
    }

    fn call(&self, ask: &Ask<'_>) -> Call {
        let ((base, host), path) = (self.host(), self.path(ask.path));
        let query: Vec<(String, String)> =
            ask.query.iter().map(|(name, value)| (encoded(name), encoded(value))).collect();
        let at = sign::stamp(self.egress.now());
        let hash = ask.slice.as_ref().map_or_else(|| sha256(ask.body.as_bytes()), |(_, hash)| hash.clone());
        let headers = [("host", host), ("x-amz-content-sha256", hash.clone()), ("x-amz-date", at.clone())];
        let signer = Signer { key: &self.key, secret: &self.secret, region: &self.at.region };
        let signed = Signed { method: ask.method.as_str(), path: &path, query: &query, headers: &headers, body: &hash };
        let authorization = signer.sign(&at, &signed);
        let whole = if query.is_empty() { path } else { format!("{path}?{}", sign::query(&query)) };
        let call = Call::new(ask.method.clone(), "s3", &base, &whole).reach(Reach::House).within(ASK_TIME);
        let call = call
            .header("x-amz-content-sha256", &hash)
            .header("x-amz-date", &at)
            .header("authorization", &authorization);
        match &ask.slice {
            Some((slice, _)) => call.slice(slice.clone()).within(FILE_TIME).stall(self.stall),
            None if ask.body.is_empty() => call,
            None => call.header("content-type", "application/xml").body(ask.body.clone()),
        }
    }

    async fn send(&self, ask: Ask<'_>) -> Result<Reply, Fault> {
        let listing = ask.path.is_empty() && ask.method == Method::GET;
        let call = self.call(&ask).answer_max(if listing { LIST_MAX } else { ANSWER_MAX });
        self.egress.send(call).await.map_err(told)
    }

    async fn rows(&self, ask: Ask<'_>) -> Result<Vec<Row>, Fault> {
        rows(&self.send(ask).await?.body)
    }

    /// Names that begin so, with their bytes, and, with `flat` false, what would be folders.
    async fn names(&self, prefix: &str, flat: bool) -> Result<Vec<Found>, Fault> {
        let (mut found, mut after) = (Vec::new(), None::<String>);
        loop {
            let mut query = vec![("list-type", "2"), ("prefix", prefix)];
            query.extend(after.as_deref().map(|after| ("continuation-token", after)));
            query.extend((!flat).then_some(("delimiter", "/")));
            let reply = self.send(Ask::new(Method::GET, "", query)).await?;
            let (more, next) = page(&reply.body, prefix)?;
            found.extend(more);
            if found.len() > NAMES_MAX {
                return Err(Fault::Other("there are too many files in the bucket".into()));
            }
            if next.is_none() {
                return Ok(found);
            }
            if next == after {
                return Err(Fault::Other("the list of the bucket does not go on".into()));
            }
            after = next;
        }
    }

    /// Bytes of a file as the listing shows it.
    async fn size(&self, full: &str) -> Result<Option<u64>, Fault> {
        let found = self.names(full, true).await?;
        Ok(found.iter().find(|found| found.name.is_empty() && !found.folder).map(|found| found.bytes))
    }

    async fn slice(&self, file: &Path, from: u64, length: u64) -> Result<(Slice, String), Fault> {
        let hash = hash_of(file, from, length).await.map_err(|error| Fault::Other(format!("reading it: {error}")))?;
        Ok((Slice { path: file.to_owned(), from, length }, hash))
    }

    async fn at_once(&self, full: &str, file: &Path, length: u64) -> Result<(), Fault> {
        let slice = Some(self.slice(file, 0, length).await?);
        self.send(Ask { slice, ..Ask::new(Method::PUT, full, Vec::new()) }).await.map(drop)
    }

    async fn in_parts(&self, full: &str, file: &Path, length: u64) -> Result<(), Fault> {
        let rows = self.rows(Ask::new(Method::POST, full, vec![("uploads", "")])).await?;
        let id = rows.iter().find(|row| row.name == "UploadId").map(|row| row.text.clone());
        let id = id.ok_or_else(|| Fault::Other("the answer is not what S3 answers".into()))?;
        let sent = self.parts(full, file, length, &id).await;
        if sent.is_err()
            && let Err(error) = self.abort(full, &id).await
        {
            tracing::debug!(%error, "parts of a file stay");
        }
        sent
    }

    async fn parts(&self, full: &str, file: &Path, length: u64, id: &str) -> Result<(), Fault> {
        let size = self.part.max(length.div_ceil(PARTS_MAX));
        let mut body = String::from("<CompleteMultipartUpload>");
        for (number, from) in (1u32..).zip((0..length).step_by(usize::try_from(size).unwrap_or(usize::MAX))) {
            let slice = Some(self.slice(file, from, size.min(length - from)).await?);
            let part = number.to_string();
            let query = vec![("partNumber", part.as_str()), ("uploadId", id)];
            let reply = self.send(Ask { slice, ..Ask::new(Method::PUT, full, query) }).await?;
            let tag = reply.header("etag").unwrap_or_default().replace('&', "&amp;").replace('<', "&lt;");
            body.push_str(&format!("<Part><PartNumber>{part}</PartNumber><ETag>{tag}</ETag></Part>"));
        }
        body.push_str("</CompleteMultipartUpload>");
        self.rows(Ask { body, ..Ask::new(Method::POST, full, vec![("uploadId", id)]) }).await.map(drop)
    }

    async fn abort(&self, full: &str, id: &str) -> Result<(), Fault> {
        match self.send(Ask::new(Method::DELETE, full, vec![("uploadId", id)])).await {
            Ok(_) | Err(Fault::Gone) => Ok(()),
            Err(fault) => Err(fault),
        }
    }
}

async fn hash_of(file: &Path, from: u64, length: u64) -> std::io::Result<String> {
    let mut file = tokio::fs::File::open(file).await?;
    file.seek(std::io::SeekFrom::Start(from)).await?;
    let mut part = file.take(length);
    let (mut hash, mut buffer) = (ring::digest::Context::new(&ring::digest::SHA256), vec![0; 1 << 18]);
    loop {
        let count = part.read(&mut buffer).await?;
        if count == 0 {
            return Ok(data_encoding::HEXLOWER.encode(hash.finish().as_ref()));
        }
        hash.update(buffer.get(..count).unwrap_or_default());
    }
}

/// The rows of an answer that does not say that it failed.
fn rows(answer: &[u8]) -> Result<Vec<Row>, Fault> {
    let rows = xml::rows(answer).ok_or_else(|| Fault::Other("the answer is not what S3 answers".into()))?;
    // What took long may say at its end only that it failed, under a good status.
    match code(&rows) {
        Some(code) => Err(meant(code, format!("it says {code}"))),
        None => Ok(rows),
    }
}

/// A page of a bucket's list: what begins so, named by the rest, and by what the next page is asked for, where there is one. The caller limits its length.
pub fn page(answer: &[u8], prefix: &str) -> Result<(Vec<Found>, Option<String>), Fault> {
    let rows = rows(answer)?;
    let text = |name: &str| rows.iter().find(|row| row.name == name).map(|row| row.text.clone());
    let own = |key: &str| key.strip_prefix(prefix).map(|rest| rest.trim_end_matches('/').to_owned());
    let found = rows.iter().filter_map(|row| {
        let (key, folder) = match row.name.as_str() {
            "Contents" => (row.get("Key"), false),
            "CommonPrefixes" => (row.get("Prefix"), true),
            _ => return None,
        };
        let bytes = row.get("Size").and_then(|text| text.parse().ok()).unwrap_or_default();
        Some(Found { name: key.and_then(own)?, bytes, folder })
    });
    let found = found.collect();
    if text("IsTruncated").as_deref() != Some("true") {
        return Ok((found, None));
    }
    let next = text("NextContinuationToken").filter(|next| !next.is_empty());
    next.map(|next| (found, Some(next))).ok_or_else(|| Fault::Other("the list of the bucket does not go on".into()))
}

fn code(rows: &[Row]) -> Option<&str> {
    rows.iter().find(|row| row.name == "Code").map(|row| row.text.as_str())
}

/// What a code means; the rest is told by the status.
fn meant(code: &str, why: String) -> Fault {
    match code {
        "NoSuchBucket" | "NoSuchKey" | "NoSuchUpload" => Fault::Gone,
        "QuotaExceeded" | "XMinioStorageFull" | "StorageQuotaExceeded" => Fault::Full,
        "InvalidAccessKeyId" => Fault::Denied("it does not know this access key".into()),
        "SignatureDoesNotMatch" => Fault::Denied("the secret of the access key is wrong".into()),
        "AuthorizationHeaderMalformed" => Fault::Denied("it is another region".into()),
        "RequestTimeTooSkewed" => Fault::Denied("the clocks of the box and of the storage differ".into()),
        "AccessDenied" => Fault::Denied("the access key may not do this".into()),
        "InternalError" | "SlowDown" | "ServiceUnavailable" => Fault::Away(why),
        _ => Fault::Other(why),
    }
}

fn told(trouble: Trouble) -> Fault {
    let said = trouble.reply.as_ref().and_then(|reply| xml::rows(&reply.body));
    match said.as_deref().and_then(code) {
        Some(code) => meant(code, format!("{}: {code}", trouble.why)),
        None => trouble.into(),
    }
}

impl Depot for S3 {
    fn list<'a>(&'a self, folder: &'a str) -> Doing<'a, Vec<Found>> {
        Box::pin(async move {
            let full = self.full(folder);
            let prefix = if full.is_empty() { full } else { format!("{full}/") };
            let found = self.names(&prefix, false).await?;
            Ok(found.into_iter().filter(|found| !found.name.is_empty()).collect())
        })
    }

    /// There are no folders; whether the bucket is there is asked.
    fn make<'a>(&'a self, folder: &'a str) -> Doing<'a, ()> {
        Box::pin(async move { self.size(&self.full(folder)).await.map(drop) })
    }

    fn put<'a>(&'a self, path: &'a str, file: &'a Path) -> Doing<'a, u64> {
        Box::pin(async move {
            let (full, length) = (self.full(path), length_of(file).await?);
            let sent = if length <= self.part {
                self.at_once(&full, file, length).await
            } else {
                self.in_parts(&full, file, length).await
            };
            sent?;
            whole(self.size(&full).await?.ok_or_else(|| Fault::Away("the list does not show it".into()))?, length)
        })
    }

    fn get<'a>(&'a self, path: &'a str) -> Doing<'a, Source> {
        Box::pin(async move {
            let full = self.full(path);
            let call = self.call(&Ask::new(Method::GET, &full, Vec::new())).within(FILE_TIME).stall(self.stall);
            Ok(Source::Http(Box::new(self.egress.open(call).await.map_err(told)?)))
        })
    }

    fn remove<'a>(&'a self, path: &'a str) -> Doing<'a, ()> {
        Box::pin(async move {
            match self.send(Ask::new(Method::DELETE, &self.full(path), Vec::new())).await {
                Ok(_) | Err(Fault::Gone) => Ok(()),
                Err(fault) => Err(fault),
            }
        })
    }

    fn clear<'a>(&'a self, folder: &'a str) -> Doing<'a, ()> {
        Box::pin(async move {
            let full = self.full(folder);
            let prefix = if full.is_empty() { full } else { format!("{full}/") };
            let rows = self.rows(Ask::new(Method::GET, "", vec![("uploads", ""), ("prefix", &prefix)])).await?;
            for row in rows.iter().filter(|row| row.name == "Upload") {
                if let (Some(key), Some(id)) = (row.get("Key"), row.get("UploadId"))
                    && key.starts_with(&prefix)
                {
                    self.abort(key, id).await?;
                }
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tools;
    use std::sync::Arc;

    #[test]
    fn a_bucket_stands_in_the_path_or_in_the_name_of_the_host() {
        let tools = Tools { now: Arc::new(|| domain::Time(0)), chance: Arc::new(|| 0) };
        let egress = Egress::new(tools, false).unwrap();
        let at = |base: &str, by_host| Bucket {
            base: base.into(),
            bucket: "hall".into(),
            prefix: "a".into(),
            region: "x".into(),
            by_host,
        };
        let cases = [
            (false, "b c/d~1.age", "https://oss.example.org:9000", "oss.example.org:9000", "/hall/b%20c/d~1.age"),
            (false, "", "https://oss.example.org:9000", "oss.example.org:9000", "/hall"),
            (true, "b c/d~1.age", "https://hall.oss.example.org:9000", "hall.oss.example.org:9000", "/b%20c/d~1.age"),
            (true, "", "https://hall.oss.example.org:9000", "hall.oss.example.org:9000", "/"),
        ];
        for (by_host, path, base, host, full) in cases {
            let depot = S3::new(egress.clone(), at("https://oss.example.org:9000", by_host), "k", "s");
            assert_eq!((depot.host(), depot.path(path).as_str()), ((base.to_owned(), host.to_owned()), full));
        }
    }
}
