# The program layover, and the worker as what it does. Debian, not Alpine: the SDK's native core needs glibc
# (temporalio/documentation docs/develop/typescript/workers/run-process.mdx).
FROM node:22-bookworm-slim AS build
WORKDIR /layover
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig*.json ./
COPY src ./src
COPY workflows ./workflows
COPY activities ./activities
RUN npm run build && npm prune --omit=dev

FROM node:22-bookworm-slim
# Without root certificates the SDK cannot connect, not even to a server in plain text.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
WORKDIR /layover
# A container is looked at from outside, so it listens on all of its addresses; publish neither port to the internet.
ENV NODE_ENV=production LAYOVER_METRICS=0.0.0.0:9464 LAYOVER_HEALTH=0.0.0.0:9465
COPY --from=build /layover/package.json ./
COPY --from=build /layover/node_modules ./node_modules
COPY --from=build /layover/dist ./dist
USER node
EXPOSE 9464 9465
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9465/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Not `npm start`: the worker has to get SIGTERM itself, to finish what is in flight. The flag keeps its heap small.
ENTRYPOINT ["node", "--heap-growing-percent=25", "dist/src/cli/main.js"]
CMD ["worker"]
