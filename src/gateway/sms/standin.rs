//! A stand-in of both providers: verifies signatures, clocks and nonces as they do, keeps what it was sent, and answers the documented errors
//! by the number that is written to.

use super::{aliyun, sha256, tencent};
use crate::standin::{Answered, Asked, Standin};
use domain::{
    Time,
    time::{MINUTE, SECOND},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Id of the key that the stand-in knows.
pub const KEY_ID: &str = "standin-key";
/// The key.
pub const SECRET: &str = "standin-secret";
/// Tencent's application.
pub const APP: &str = "1400000000";
/// The approved signature.
pub const SIGN: &str = "会馆演示";
/// The message was taken, and the connection is cut.
const CUT: &str = "cut";
/// The providers refuse what was signed longer ago, or later, than this.
const SKEW_TENCENT: i64 = 5 * MINUTE;
const SKEW_ALIYUN: i64 = 15 * MINUTE;

/// A message that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Which provider took it.
    pub provider: &'static str,
    /// Number in E.164.
    pub phone: String,
    /// Template.
    pub template: String,
    /// Values of the template, in the order or by the name they came.
    pub values: Vec<String>,
    /// The number it was given.
    pub reference: String,
    /// Ours.
    pub ours: String,
    /// When.
    pub at: Time,
}

#[derive(Default)]
struct State {
    taken: Vec<Taken>,
    nonces: BTreeSet<String>,
    refused: BTreeMap<String, String>,
    failing: u32,
    cut: bool,
    left: i64,
}

/// What the stand-in keeps and does; shared with whoever started it.
#[derive(Clone)]
pub struct Providers {
    state: Arc<Mutex<State>>,
    now: Arc<dyn Fn() -> Time + Send + Sync>,
}

impl Providers {
    /// A stand-in with that clock.
    pub fn new(now: Arc<dyn Fn() -> Time + Send + Sync>) -> Self {
        let state = State { left: 10_000, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), now }
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was taken so far.
    pub fn taken(&self) -> Vec<Taken> {
        self.with(|state| state.taken.clone())
    }

    /// From now on messages to that number are answered with the error.
    pub fn refuse(&self, phone: &str, code: &str) {
        self.with(|state| state.refused.insert(phone.to_owned(), code.to_owned()));
    }

    /// The next calls are answered with status 500.
    pub fn fail(&self, calls: u32) {
        self.with(|state| state.failing = calls);
    }

    /// The next message is taken, and the connection cut before the answer.
    pub fn cut(&self) {
        self.with(|state| state.cut = true);
    }

    /// Starts it on a free port.
    pub async fn start(&self) -> std::io::Result<Standin> {
        let own = self.clone();
        Standin::start(move |asked| own.answer(&asked)).await
    }

    /// What it answers.
    pub fn answer(&self, asked: &Asked) -> Answered {
        let failing = self.with(|state| {
            let failing = state.failing > 0;
            state.failing = state.failing.saturating_sub(1);
            failing
        });
        if failing {
            return Answered::status(500, "");
        }
        if asked.header("x-tc-action").is_empty() { self.aliyun(asked) } else { self.tencent(asked) }
    }

    fn take(&self, taken: Taken) -> Result<String, String> {
        let refused = self.with(|state| state.refused.get(&taken.phone).cloned());
        if let Some(code) = refused {
            return Err(code);
        }
        self.with(|state| {
            let reference = format!("{}-{}", taken.provider, state.taken.len() + 1);
            state.left -= 1;
            state.taken.push(Taken { reference: reference.clone(), ..taken });
            if std::mem::take(&mut state.cut) { Err(CUT.to_owned()) } else { Ok(reference) }
        })
    }

    fn aliyun(&self, asked: &Asked) -> Answered {
        let no = |code: &str| {
            let body = json!({"Code": code, "Message": format!("{code} (stand-in)"), "RequestId": "S"});
            Answered { status: 400, ..Answered::json(&body) }
        };
        if let Err(code) = self.check_aliyun(asked) {
            return no(code);
        }
        let value = |name: &str| asked.asked(name).unwrap_or_default();
        let yes = |body: Value| Answered::json(&body);
        match asked.header("x-acs-action") {
            "SendSms" => {
                let values: Result<BTreeMap<String, String>, _> = serde_json::from_str(&value("TemplateParam"));
                let Ok(values) = values else {
                    return yes(json!({"Code": "isv.INVALID_JSON_PARAM", "Message": "params"}));
                };
                if value("SignName") != SIGN {
                    return yes(json!({"Code": "isv.SMS_SIGNATURE_ILLEGAL", "Message": "signature"}));
                }
                if !value("TemplateCode").starts_with("SMS_") {
                    return yes(json!({"Code": "isv.SMS_TEMPLATE_ILLEGAL", "Message": "template"}));
                }
                if value("PhoneNumbers").len() != 11 {
                    return yes(json!({"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": "number"}));
                }
                let taken = Taken {
                    provider: "aliyun",
                    phone: format!("+86{}", value("PhoneNumbers")),
                    template: value("TemplateCode"),
                    values: values.iter().map(|(name, value)| format!("{name}={value}")).collect(),
                    reference: String::new(),
                    ours: value("OutId"),
                    at: (self.now)(),
                };
                match self.take(taken) {
                    Ok(reference) => yes(json!({"Code": "OK", "Message": "OK", "BizId": reference, "RequestId": "S"})),
                    Err(code) if code == CUT => Answered::cut(),
                    Err(code) => yes(json!({"Code": code, "Message": "refused", "RequestId": "S"})),
                }
            }
            "QuerySendDetails" => {
                let known = self.taken().into_iter().any(|taken| taken.reference == value("BizId"));
                let detail = json!([{"SendStatus": 3, "ErrCode": "DELIVERED", "PhoneNum": value("PhoneNumber")}]);
                let details = if known { detail } else { json!([]) };
                yes(json!({"Code": "OK", "Message": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": details}}))
            }
            _ => no("InvalidAction.NotFound"),
        }
    }

    fn check_aliyun(&self, asked: &Asked) -> Result<(), &'static str> {
        let pairs = asked.pairs(&asked.query);
        let query: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let names =
            ["host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"];
        let headers: Vec<(&str, &str)> = names.iter().map(|name| (*name, asked.header(name))).collect();
        let signed = aliyun::Signed { method: &asked.method, query: &query, headers: &headers, body: &asked.body };
        if asked.header("x-acs-content-sha256") != sha256(&asked.body)
            || asked.header("authorization") != signed.authorization(KEY_ID, SECRET)
        {
            return Err("SignatureDoesNotMatch");
        }
        let at: Option<jiff::Timestamp> = asked.header("x-acs-date").parse().ok();
        let at = at.map(|at| Time(at.as_millisecond()));
        if at.is_none_or(|at| (self.now)().since(at).abs() > SKEW_ALIYUN) {
            return Err("InvalidTimeStamp.Expired");
        }
        let fresh = self.with(|state| state.nonces.insert(asked.header("x-acs-signature-nonce").to_owned()));
        if fresh { Ok(()) } else { Err("SignatureNonceUsed") }
    }

    fn tencent(&self, asked: &Asked) -> Answered {
        let yes = |body: Value| Answered::json(&json!({ "Response": body }));
        let no = |code: &str| yes(json!({"Error": {"Code": code, "Message": "stand-in"}, "RequestId": "S"}));
        let seconds: i64 = asked.header("x-tc-timestamp").parse().unwrap_or(0);
        let host = asked.header("host");
        let signed = tencent::Signed { service: "sms", host, seconds, body: &asked.body };
        if asked.header("content-type") != tencent::CONTENT
            || asked.header("authorization") != signed.authorization(KEY_ID, SECRET)
        {
            return no("AuthFailure.SignatureFailure");
        }
        if (self.now)().since(Time(seconds * SECOND)).abs() > SKEW_TENCENT {
            return no("AuthFailure.SignatureExpire");
        }
        let Ok(body) = serde_json::from_slice::<Value>(&asked.body) else { return no("InvalidParameter") };
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
        match asked.header("x-tc-action") {
            "SendSms" => {
                let phone = body.pointer("/PhoneNumberSet/0").and_then(Value::as_str).unwrap_or("").to_owned();
                let status = |code: &str, reference: &str| {
                    yes(
                        json!({"SendStatusSet": [{"SerialNo": reference, "PhoneNumber": phone, "Fee": 1, "SessionContext": text("SessionContext"),
                        "Code": code, "Message": code, "IsoCode": "CN"}], "RequestId": "S"}),
                    )
                };
                if text("SignName") != SIGN {
                    return status("FailedOperation.SignatureIncorrectOrUnapproved", "");
                }
                if text("TemplateId").parse::<u64>().is_err() {
                    return status("FailedOperation.TemplateIncorrectOrUnapproved", "");
                }
                let values = body.get("TemplateParamSet").and_then(Value::as_array).cloned().unwrap_or_default();
                let taken = Taken {
                    provider: "tencent",
                    phone: phone.clone(),
                    template: text("TemplateId"),
                    values: values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                    reference: String::new(),
                    ours: text("SessionContext"),
                    at: (self.now)(),
                };
                match self.take(taken) {
                    Ok(reference) => status("Ok", &reference),
                    Err(code) if code == CUT => Answered::cut(),
                    Err(code) => status(&code, ""),
                }
            }
            "PullSmsSendStatusByPhoneNumber" => {
                let all = self.taken().into_iter().filter(|taken| taken.phone == text("PhoneNumber"));
                let all: Vec<Value> = all
                    .map(|taken| json!({"SerialNo": taken.reference, "ReportStatus": "SUCCESS", "Description": "DELIVRD"}))
                    .collect();
                yes(json!({"PullSmsSendStatusSet": all, "RequestId": "S"}))
            }
            "SmsPackagesStatistics" => {
                let left = self.with(|state| state.left);
                let over = json!({"AmountOfPackage": 500, "CurrentUsage": 0, "PackageExpiredUnixTime": 1_556_640_000});
                let good =
                    json!({"AmountOfPackage": left, "CurrentUsage": 0, "PackageExpiredUnixTime": 4_102_444_800_i64});
                yes(json!({"SmsPackagesStatisticsSet": [good, over], "RequestId": "S"}))
            }
            _ => no("InvalidAction"),
        }
    }
}
