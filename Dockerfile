# An empty image with the static binary, which runs as an unprivileged user.
FROM golang:1.27.3 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev COMMIT=unknown
RUN make build notices VERSION=${VERSION} COMMIT=${COMMIT}

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/bin/aisha /aisha
COPY --from=build /src/bin/THIRD_PARTY_NOTICES.txt /THIRD_PARTY_NOTICES.txt
USER 65532:65532
EXPOSE 8000
STOPSIGNAL SIGTERM
# The start may wait a minute for the database.
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s CMD ["/aisha", "health"]
ENTRYPOINT ["/aisha"]
CMD ["serve"]
