/** An issuer of access tokens: keys made at each start, and their public halves behind a URL. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';

export interface TokenIssuer {
  readonly issuer: string;
  readonly jwksUrl: string;
  /** A token for `mail`, five minutes long; claims over the usual ones. */
  token(email: string, claims?: JWTPayload): Promise<string>;
  stop(): Promise<void>;
}

export async function startTokenIssuer(): Promise<TokenIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'now', alg: 'RS256' }] });
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/jwk-set+json' });
    response.end(jwks);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const issuer = 'https://id.example';
  return {
    issuer,
    jwksUrl: `http://127.0.0.1:${port}/jwks`,
    token: (email, claims) =>
      new SignJWT({ iss: issuer, aud: 'mail', email, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: 'now' })
        .setExpirationTime('5m')
        .sign(privateKey),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
