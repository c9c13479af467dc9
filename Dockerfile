# The worker. Debian, not Alpine: the SDK's native core needs glibc
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
ENV NODE_ENV=production
COPY --from=build /layover/package.json ./
COPY --from=build /layover/node_modules ./node_modules
COPY --from=build /layover/dist ./dist
USER node
# Not `npm start`: the worker has to get SIGTERM itself, to finish what is in flight.
CMD ["node", "dist/src/worker/main.js"]
