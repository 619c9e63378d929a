import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MailboxFull, NobodyAnswers, RemoteFault } from './errors.js';
import { decodeReply, decodeRequest, encodeAnswer, encodeFault, encodeRequest } from './wire.js';

const from = { instance: 'mx-1-abcd' };
const room = 1024 * 1024;

const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.maxSafeInteger(),
    // msgpack has one zero for both.
    fc.double({ noNaN: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array().map((octets) => Buffer.from(octets)),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,12}$/), tie('value'), { maxKeys: 5 }).map((d) => ({ ...d })),
  ),
}));

describe('requests', () => {
  it('come out as they went in', () => {
    fc.assert(
      fc.property(values.value, fc.option(fc.string(), { nil: undefined }), (payload, trace) => {
        const origin = trace === undefined ? from : { ...from, trace };
        expect(decodeRequest(encodeRequest(payload, origin))).toEqual({ payload, from: origin });
      }),
      { numRuns: 300 },
    );
  });

  it('leave out properties that are undefined', () => {
    const { payload } = decodeRequest(encodeRequest({ a: 1, b: undefined, c: { d: undefined } }, from));
    expect(Object.keys(payload as object)).toEqual(['a', 'c']);
    expect(payload).toStrictEqual({ a: 1, c: {} });
  });

  it('give octets as views of the message', () => {
    const message = encodeRequest({ content: Buffer.from('abc') }, from);
    // As the NATS client gives it: a plain view into what the socket has read.
    const read = new Uint8Array(message.length + 7);
    read.set(message, 7);
    const { content } = decodeRequest(read.subarray(7)).payload as { content: Uint8Array };
    expect(Buffer.isBuffer(content)).toBe(true);
    expect(content.buffer).toBe(read.buffer);
  });

  it('of another kind are refused, whatever they are', () => {
    for (const octets of ['', '{"json":true}', '\xc1', '\x93\x01', '\x90', '\x91\x01'])
      expect(() => decodeRequest(Buffer.from(octets, 'latin1')), octets).toThrow();
    fc.assert(
      fc.property(fc.uint8Array(), (octets) => {
        try {
          expect(decodeRequest(octets).from.instance).toBeTypeOf('string');
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('replies', () => {
  it.each([[undefined], [null], [0], [''], [{ result: 'written' }], [[1, 2]]])(
    'give the answer %j',
    (answer) => {
      expect(decodeReply(encodeAnswer(answer, room))).toEqual(answer);
    },
  );

  it.each([
    [new MailboxFull('1024 wait'), MailboxFull],
    [new NobodyAnswers('has ended'), NobodyAnswers],
    [new RemoteFault('broken'), RemoteFault],
    [new TypeError('broken'), RemoteFault],
  ])('give the fault %s', (fault, kind) => {
    const reply = encodeFault(fault);
    expect(() => decodeReply(reply)).toThrow(kind);
    expect(() => decodeReply(reply)).toThrow(fault.message);
  });

  it('cut long texts', () => {
    expect(encodeFault(new Error('x'.repeat(100_000))).length).toBeLessThan(600);
  });

  it('turn what is too large or can not be encoded into a fault', () => {
    expect(() => decodeReply(encodeAnswer(Buffer.alloc(100), 50))).toThrow(
      'the answer has 104 octets, over 50',
    );
    const circular: unknown[] = [];
    circular.push(circular);
    expect(() => decodeReply(encodeAnswer(circular, room))).toThrow("the answer can't be encoded");
  });

  it('that are no replies of ours are faults', () => {
    for (const octets of ['', 'hello', '\x80'])
      expect(() => decodeReply(Buffer.from(octets, 'latin1')), octets).toThrow(Error);
  });
});
