//! Keys whose bytes sort as their values do.

/// A key or a part of one.
pub trait Key: Sized {
    /// Appends the bytes.
    fn encode(&self, to: &mut Vec<u8>);
    /// Takes the value off the front; none when the bytes are no such value.
    fn decode(from: &mut &[u8]) -> Option<Self>;

    /// The bytes alone.
    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(24);
        self.encode(&mut out);
        out
    }
}

impl Key for () {
    fn encode(&self, _: &mut Vec<u8>) {}
    fn decode(_: &mut &[u8]) -> Option<Self> {
        Some(())
    }
}

macro_rules! unsigned {
    ($($int:ty)*) => {$(
        impl Key for $int {
            fn encode(&self, to: &mut Vec<u8>) {
                to.extend_from_slice(&self.to_be_bytes());
            }
            fn decode(from: &mut &[u8]) -> Option<Self> {
                let (head, rest) = from.split_first_chunk()?;
                *from = rest;
                Some(Self::from_be_bytes(*head))
            }
        }
    )*};
}

unsigned!(u8 u16 u32 u64);

impl Key for i64 {
    fn encode(&self, to: &mut Vec<u8>) {
        (self.cast_unsigned() ^ (1 << 63)).encode(to);
    }
    fn decode(from: &mut &[u8]) -> Option<Self> {
        Some((u64::decode(from)? ^ (1 << 63)).cast_signed())
    }
}

impl<const N: usize> Key for [u8; N] {
    fn encode(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self);
    }
    fn decode(from: &mut &[u8]) -> Option<Self> {
        let (head, rest) = from.split_first_chunk()?;
        *from = rest;
        Some(*head)
    }
}

/// Ended by 0, 1; a zero within the text is written as 0, 255, so that shorter texts still sort first.
impl Key for String {
    fn encode(&self, to: &mut Vec<u8>) {
        for byte in self.as_bytes() {
            to.push(*byte);
            if *byte == 0 {
                to.push(255);
            }
        }
        to.extend_from_slice(&[0, 1]);
    }
    fn decode(from: &mut &[u8]) -> Option<Self> {
        let mut text = Vec::new();
        loop {
            let (byte, rest) = from.split_first()?;
            *from = rest;
            if *byte != 0 {
                text.push(*byte);
                continue;
            }
            let (mark, rest) = from.split_first()?;
            *from = rest;
            match mark {
                1 => return Self::from_utf8(text).ok(),
                255 => text.push(0),
                _ => return None,
            }
        }
    }
}

impl Key for bool {
    fn encode(&self, to: &mut Vec<u8>) {
        to.push(u8::from(*self));
    }
    fn decode(from: &mut &[u8]) -> Option<Self> {
        match u8::decode(from)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

macro_rules! tuple {
    ($($name:ident)*) => {
        impl<$($name: Key),*> Key for ($($name,)*) {
            #[allow(non_snake_case)]
            fn encode(&self, to: &mut Vec<u8>) {
                let ($($name,)*) = self;
                $($name.encode(to);)*
            }
            fn decode(from: &mut &[u8]) -> Option<Self> {
                Some(($($name::decode(from)?,)*))
            }
        }
    };
}

tuple!(A B);
tuple!(A B C);
tuple!(A B C D);

macro_rules! ids {
    ($($name:ident)*) => {$(
        impl Key for domain::$name {
            fn encode(&self, to: &mut Vec<u8>) {
                self.0.encode(to);
            }
            fn decode(from: &mut &[u8]) -> Option<Self> {
                u64::decode(from).map(Self)
            }
        }
    )*};
}

ids!(SpaceId PersonId AccountId DepartmentId GrantId DeviceId EventId TicketTypeId TicketId GroupId ScanId ListId GateId PictureId ImportId OrderId VoucherId QuotaId AddOnId WaiterId NoticeId ReminderId);
ids!(CategoryId PartId SeriesId TalkId);
ids!(AttemptId PayRefundId);
ids!(DrawId RoundId EntrantId MessageId SoundId);
ids!(DesignId SourceId PrintId CertificateId);
ids!(DocumentId SearchId InvoiceId BackupRunId AccessId ClientId);
ids!(OutgoingId WebhookId);
ids!(WechatLinkId);
ids!(MerchantId);
ids!(BlastId);
ids!(LoginId);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn bytes_sort_as_values_do(a: (i64, String, u64), b: (i64, String, u64)) {
            prop_assert_eq!(a.bytes().cmp(&b.bytes()), a.cmp(&b));
            let bytes = a.bytes();
            let mut rest = bytes.as_slice();
            prop_assert_eq!(<(i64, String, u64)>::decode(&mut rest), Some(a));
            prop_assert!(rest.is_empty());
        }
    }
}
