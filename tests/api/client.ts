// A small client by the types that are made from the API's description: paths, parameters, bodies and answers are checked by the compiler.
import type { components, paths } from "./hall";

type Method = "get" | "post" | "put" | "delete";
type Op<P extends keyof paths, M extends Method> = M extends keyof paths[P] ? NonNullable<paths[P][M]> : never;
type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : undefined;
type Good = 200 | 201 | 202 | 204;
type AnswerOf<T> = T extends { responses: infer R } ? { [S in keyof R & Good]: Json<R[S]> }[keyof R & Good] : never;
type BodyOf<T> = T extends { requestBody: { content: { "application/json": infer Body } } } ? Body : undefined;
type PathOf<T> = T extends { parameters: { path: infer Path } } ? Path : undefined;
type QueryOf<T> = T extends { parameters: { query?: infer Query } } ? Query : undefined;

export type Fault = components["schemas"]["Fault"];

/** What a call brings along; only what its route takes. */
export interface Call<P extends keyof paths, M extends Method> {
  path?: PathOf<Op<P, M>>;
  query?: QueryOf<Op<P, M>>;
  body?: BodyOf<Op<P, M>>;
  /** One for each request: sent again with it, it is done once. */
  key?: string;
}

export class Refused extends Error {
  constructor(readonly status: number, readonly fault: Fault) {
    super(fault.message);
  }
}

export class Hall {
  token?: string;

  constructor(private readonly base: string) {}

  call<P extends keyof paths & string, M extends Method>(method: M, path: P, call: Call<P, M> = {}): Promise<AnswerOf<Op<P, M>>> {
    const named = (call.path ?? {}) as Record<string, string | number>;
    let url = this.base + path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(named[name])));
    const asked = Object.entries((call.query ?? {}) as Record<string, unknown>).filter(([, value]) => value !== undefined && value !== null);
    if (asked.length > 0) url += "?" + asked.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join("&");
    const header: Record<string, string> = { "content-type": "application/json" };
    if (this.token) header["authorization"] = `Bearer ${this.token}`;
    if (call.key) header["idempotency-key"] = call.key;
    return new Promise((resolve, reject) =>
      wx.request({
        url,
        method: method.toUpperCase() as "GET" | "POST" | "PUT" | "DELETE",
        header,
        data: call.body === undefined ? undefined : JSON.stringify(call.body),
        success: (answer) =>
          answer.statusCode < 400
            ? resolve(answer.data as AnswerOf<Op<P, M>>)
            : reject(new Refused(answer.statusCode, answer.data as Fault)),
        fail: (why) => reject(new Error(why.errMsg)),
      }),
    );
  }
}
