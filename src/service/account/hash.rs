//! Passwords are kept as argon2id hashes; hashing happens away from the threads that answer requests, and few at a time.

use crate::{Ctx, Error};
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use domain::{Account, SpaceId, password::PASSWORD_MAX};
use tokio::sync::{Semaphore, SemaphorePermit};

/// argon2id with 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet).
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

/// How many hashes are made at once: each takes 19 MiB, and whoever sends a thousand log-ins must not take the box's memory.
static TURNS: Semaphore = Semaphore::const_new(4);

/// A place among those that hash.
pub(super) async fn turn() -> Result<SemaphorePermit<'static>, Error> {
    TURNS.acquire().await.map_err(|error| Error::internal("waiting for a place to hash", error))
}

/// Hashes a password. The salt comes from the context's chance.
pub async fn hash_password(ctx: &Ctx, password: &str) -> Result<String, Error> {
    let mut salt = [0u8; 16];
    ctx.random.fill(&mut salt);
    let _turn = turn().await?;
    let hashed = salted(vec![password.to_owned()], salt).await?;
    hashed.into_iter().next().ok_or_else(|| Error::Internal("nothing was hashed".into()))
}

/// Hashes texts with one salt.
pub(super) async fn salted(texts: Vec<String>, salt: [u8; 16]) -> Result<Vec<String>, Error> {
    let hashing = tokio::task::spawn_blocking(move || {
        let hash =
            |text: &String| hasher().hash_password_with_salt(text.as_bytes(), &salt).map(|hash| hash.to_string());
        texts.iter().map(hash).collect::<Result<Vec<_>, _>>()
    });
    hashing.await.map_err(|error| Error::internal("hashing", error))?.map_err(|error| Error::internal("hashing", error))
}

/// Whether a password is the one of that hash. Whoever calls holds a [`turn`].
pub(super) async fn is_password(password: &str, hash: &str) -> Result<bool, Error> {
    if password.chars().count() > PASSWORD_MAX {
        return Ok(false);
    }
    let (password, hash) = (password.to_owned(), hash.to_owned());
    let verified = tokio::task::spawn_blocking(move || {
        let hash = PasswordHash::new(&hash).map_err(|error| Error::internal("reading a password hash", error))?;
        Ok::<_, Error>(hasher().verify_password(password.as_bytes(), &hash).is_ok())
    });
    verified.await.map_err(|error| Error::internal("checking a password", error))?
}

/// Whether somebody who is logged in knows the password of their account; wrong ones slow the next down.
pub(super) async fn is_own_password(ctx: &Ctx, space: SpaceId, kept: &Account, typed: &str) -> Result<bool, Error> {
    let keys = [format!("password {space} {}", kept.id)];
    let _turn = turn().await?;
    ctx.limiter.check(&keys, ctx.now())?;
    let right = is_password(typed, &kept.password).await?;
    if right {
        keys.iter().for_each(|key| ctx.limiter.clear(key));
    } else {
        ctx.limiter.fail(&keys, ctx.now());
    }
    Ok(right)
}

/// A hash of nothing anybody knows: checked when the login does not exist, so that the answer takes the same time.
pub(super) const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$4mDvHGYYTGZ0oEuOCRSRKVxPTXp1vSv5rQSBlzz1RXQ";
