// What the sample page uses of WeChat's own interface.
declare namespace wx {
  interface Answer {
    statusCode: number;
    data: unknown;
    header: Record<string, string>;
  }
  function login(of: { success: (result: { code: string }) => void; fail: (why: { errMsg: string }) => void }): void;
  function request(of: {
    url: string;
    method: "GET" | "POST" | "PUT" | "DELETE";
    header?: Record<string, string>;
    data?: string;
    success: (answer: Answer) => void;
    fail: (why: { errMsg: string }) => void;
  }): void;
  function requestPayment(of: {
    timeStamp: string;
    nonceStr: string;
    package: string;
    signType: string;
    paySign: string;
    success: () => void;
    fail: (why: { errMsg: string }) => void;
  }): void;
  function scanCode(of: { success: (result: { result: string }) => void; fail: (why: { errMsg: string }) => void }): void;
}
