import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  defineProtocol,
  notice,
  request,
  type AnswerOf,
  type NoticeNames,
  type PayloadOf,
} from './protocol.js';

const store = defineProtocol('store', 'keyed', {
  get: request<{ readonly key: string }, { readonly value: number }>({ deadline: 100, concurrent: true }),
  put: request<{ readonly value: number }, 'written' | 'full'>({ deadline: 200 }),
  hint: notice<{ readonly sequence: number }>(),
});
type Store = (typeof store)['messages'];

describe('a protocol', () => {
  it('says what each message is', () => {
    expect(store).toEqual({
      name: 'store',
      placement: 'keyed',
      messages: {
        get: { kind: 'request', deadline: 100, concurrent: true },
        put: { kind: 'request', deadline: 200, concurrent: false },
        hint: { kind: 'notice' },
      },
    });
  });

  it('carries the types of payloads and answers', () => {
    expectTypeOf<PayloadOf<Store['get']>>().toEqualTypeOf<{ readonly key: string }>();
    expectTypeOf<AnswerOf<Store['get']>>().toEqualTypeOf<{ readonly value: number }>();
    expectTypeOf<AnswerOf<Store['put']>>().toEqualTypeOf<'written' | 'full'>();
    expectTypeOf<PayloadOf<Store['hint']>>().toEqualTypeOf<{ readonly sequence: number }>();
    expectTypeOf<NoticeNames<Store>>().toEqualTypeOf<'hint'>();
  });
});
