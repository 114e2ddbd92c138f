//! Bills as WeChat writes them: CSV with a back-tick before each value, columns by name, sums at the end, amounts in yuan.

use domain::{
    Money,
    pay::{BillRow, Moved},
};
use std::collections::BTreeMap;
use std::io::Read;

/// Most rows of a bill that are read.
pub const ROWS_MAX: usize = 200_000;

/// A bill that cannot be read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(pub String);

/// What the trade bill of a day holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TradeBill {
    /// Its rows.
    pub rows: Vec<BillRow>,
    /// Fees in fen.
    pub fee: i64,
}

/// What came into and went out of the account on a day, in fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FundBill {
    /// Came in.
    pub income: i64,
    /// Went out.
    pub outgo: i64,
}

/// A file as it is read: unpacked where it came packed, never longer than `most` bytes.
pub fn unpacked(body: &[u8], most: usize) -> Result<Vec<u8>, Unreadable> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        return Ok(body.to_vec());
    }
    let mut out = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = flate2::read::MultiGzDecoder::new(body).take(limit).read_to_end(&mut out);
    read.map_err(|error| Unreadable(format!("it cannot be unpacked: {error}")))?;
    if out.len() > most { Err(Unreadable("unpacked it is too long".into())) } else { Ok(out) }
}

/// A row's values by column.
type Row = BTreeMap<String, String>;

fn rows(text: &str) -> Result<(Vec<Row>, Vec<Row>), Unreadable> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut parts: [(Vec<String>, Vec<Row>); 2] = Default::default();
    let mut part = 0;
    for (at, record) in reader.records().enumerate() {
        if at > ROWS_MAX {
            return Err(Unreadable("the bill has too many rows".into()));
        }
        let record = record.map_err(|error| Unreadable(format!("row {}: {error}", at + 1)))?;
        // Heads have no back-tick: the second one begins the sums.
        let is_head = record.get(0).is_some_and(|first| !first.starts_with('`'));
        let cells = record.iter().map(|cell| cell.trim().trim_start_matches('`').trim().to_owned());
        if is_head && parts.first().is_some_and(|(heads, _)| !heads.is_empty()) {
            part = 1;
        }
        let Some((heads, rows)) = parts.get_mut(part) else { break };
        if is_head {
            *heads = cells.collect();
        } else {
            rows.push(heads.iter().cloned().zip(cells).collect());
        }
    }
    let [(heads, rows), (_, sums)] = parts;
    if heads.len() < 2 {
        return Err(Unreadable("it does not begin with the names of its columns".into()));
    }
    Ok((rows, sums))
}

fn cell<'a>(row: &'a Row, names: &[&str]) -> Result<&'a str, Unreadable> {
    let found = names.iter().find_map(|name| row.get(*name));
    found.map(String::as_str).ok_or_else(|| Unreadable(format!("there is no column {}", names.join(" / "))))
}

/// An amount in yuan, which may be below zero.
fn fen(text: &str) -> Result<i64, Unreadable> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    // Fees have more decimals than money has.
    let digits = digits
        .split_once('.')
        .map_or(digits.to_owned(), |(yuan, rest)| format!("{yuan}.{}", rest.chars().take(2).collect::<String>()));
    let amount = Money::from_yuan(&digits).ok_or_else(|| Unreadable(format!("“{text}” is no amount")))?;
    Ok(sign * amount.fen)
}

/// Reads a trade bill of the kind `ALL`.
pub fn trade(text: &str) -> Result<TradeBill, Unreadable> {
    let mut bill = TradeBill::default();
    for row in rows(text)?.0 {
        let payment = cell(&row, &["商户订单号"])?.to_owned();
        if let Some(fee) = row.get("手续费").filter(|fee| !fee.is_empty()) {
            bill.fee = bill.fee.saturating_add(fen(fee)?);
        }
        bill.rows.push(match cell(&row, &["交易状态"])? {
            "SUCCESS" => BillRow {
                moved: Moved::Paid,
                payment,
                refund: String::new(),
                theirs: cell(&row, &["微信订单号"])?.to_owned(),
                fen: fen(cell(&row, &["订单金额", "应结订单金额"])?)?,
            },
            "REFUND" | "REVOKED" => BillRow {
                moved: Moved::Refunded,
                payment,
                refund: cell(&row, &["商户退款单号"])?.to_owned(),
                theirs: cell(&row, &["微信退款单号"])?.to_owned(),
                fen: fen(cell(&row, &["申请退款金额", "退款金额"])?)?,
            },
            other => return Err(Unreadable(format!("“{other}” is no state of a trade"))),
        });
    }
    Ok(bill)
}

/// Reads a fund bill.
pub fn fund(text: &str) -> Result<FundBill, Unreadable> {
    let mut bill = FundBill::default();
    for row in rows(text)?.0 {
        let amount = fen(cell(&row, &["收支金额（元）", "收支金额(元)"])?)?;
        match cell(&row, &["收支类型"])? {
            "收入" => bill.income = bill.income.saturating_add(amount),
            "支出" => bill.outgo = bill.outgo.saturating_add(amount),
            other => return Err(Unreadable(format!("“{other}” is neither income nor outgo"))),
        }
    }
    Ok(bill)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRADE: &str = "\u{feff}交易时间,公众账号ID,商户号,微信订单号,商户订单号,交易状态,应结订单金额,微信退款单号,商户退款单号,退款金额,手续费,订单金额,申请退款金额\r\n\
        `2026-11-25 10:00:00,`wx1,`190,`4200001,`AB00000001-00000001,`SUCCESS,`100.00,`0,`0,`0.00,`0.60000,`100.00,`0.00\r\n\
        `2026-11-25 11:00:00,`wx1,`190,`4200001,`AB00000001-00000001,`REFUND,`0.00,`5030001,`RAB00000001-00000002,`40.00,`-0.24000,`0.00,`40.00\r\n\
        总交易单数,应结订单总金额,退款总金额\r\n`2,`100.00,`40.00\r\n";

    #[test]
    fn a_trade_bill_is_read_by_the_names_of_its_columns() {
        let bill = trade(TRADE).unwrap();
        let [paid, back] = bill.rows.as_slice() else { panic!("{bill:?}") };
        assert_eq!((paid.moved, paid.number(), paid.fen), (Moved::Paid, "AB00000001-00000001", 10_000));
        assert_eq!((back.moved, back.number(), back.fen), (Moved::Refunded, "RAB00000001-00000002", 4_000));
        assert_eq!((bill.fee, back.theirs.as_str()), (36, "5030001"));
        assert_eq!(trade(TRADE.split("`2026").next().unwrap()).unwrap().rows.len(), 0, "a day without trade");
    }

    #[test]
    fn what_is_no_bill_is_said_to_be_none() {
        for wrong in [
            "",
            "{\"code\":\"NO_STATEMENT_EXIST\"}",
            &TRADE.replace("商户订单号", "别的"),
            &TRADE.replace("100.00", "一百"),
        ] {
            assert!(trade(wrong).is_err(), "{wrong}");
        }
        assert!(trade(&TRADE.replace("`SUCCESS", "`MAYBE")).unwrap_err().0.contains("MAYBE"));
    }

    #[test]
    fn a_fund_bill_gives_what_came_and_went() {
        let text = "记账时间,微信支付业务单号,收支类型,收支金额（元）,账户结余（元）\n`a,`1,`收入,`100.00,`100.00\n`b,`2,`支出,`40.60,`59.40\n资金流水总笔数,收入笔数\n`2,`1\n";
        assert_eq!(fund(text).unwrap(), FundBill { income: 10_000, outgo: 4_060 });
        assert!(fund("a,b\n`x,`y\n").is_err());
    }
}
