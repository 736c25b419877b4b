#include "pipeline/http/response_writer.h"

#include <gtest/gtest.h>

namespace troupe::http {
namespace {

std::string all_of(response_writer& w) {
  std::string out;
  std::string piece;
  for (bool more = true; more;) {
    more = w.next(piece);
    out += piece;
  }
  return out;
}

std::string written(response r, const response_frame& frame) {
  response_writer w;
  w.start(std::move(r), frame);
  return all_of(w);
}

TEST(ResponseWriterTest, WritesAWholeAnswer) {
  response r;
  r.status = 404;
  r.body = "no such thing";
  r.header_fields = {{"X-A", "1"}};
  response_frame frame;
  frame.now_ms = 784'111'777'000;
  frame.extra = {{"x-a", "hidden"}, {"X-B", "2"}, {"X-b", "hidden"}};
  EXPECT_EQ(written(r, frame),
            "HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nX-A: 1\r\nX-B: 2\r\n"
            "Vary: Accept-Encoding\r\nContent-Length: 13\r\n\r\nno such thing");
}

TEST(ResponseWriterTest, LeavesOutHeadersThatWouldSplitTheAnswer) {
  response r;
  r.header_fields = {{"X-A", "1\r\nSet-Cookie: x"}, {"X B", "1"}};
  std::string out = written(r, {});
  EXPECT_EQ(out.find("Set-Cookie"), out.npos);
  EXPECT_EQ(out.find("X B"), out.npos);
}

TEST(ResponseWriterTest, HasNoBodyWhereHttpForbidsOne) {
  for (int code : {204, 304}) {
    response r;
    r.status = code;
    r.body = "must not appear";
    std::string out = written(r, {});
    EXPECT_EQ(out.substr(out.size() - 4), "\r\n\r\n");
    EXPECT_EQ(out.find("Content-"), out.npos);
  }
}

TEST(ResponseWriterTest, YieldsLargeBodiesInPieces) {
  response r;
  r.content_type = "application/octet-stream";
  r.body = std::string(1'000'000, 'x');
  response_writer w;
  w.start(std::move(r), {});
  std::string piece;
  size_t total = 0;
  size_t pieces = 0;
  for (bool more = true; more; ++pieces) {
    more = w.next(piece);
    EXPECT_LE(piece.size(), 70'000u);
    total += piece.size();
  }
  EXPECT_GT(pieces, 10u);
  EXPECT_GT(total, 1'000'000u);
}

TEST(ResponseWriterTest, DoesNotTouchWhatTheHandlerHasCompressed) {
  response r;
  r.body = std::string(5000, 'x');
  r.header_fields = {{"Content-Encoding", "zstd"}};
  response_frame frame;
  frame.gzip_accepted = true;
  std::string out = written(r, frame);
  EXPECT_NE(out.find("Content-Length: 5000"), out.npos);
  EXPECT_EQ(out.find("gzip"), out.npos);
}

TEST(ResponseWriterTest, AsksAStreamUntilItsEnd) {
  response r;
  int calls = 0;
  r.stream = [&](std::string& out) {
    // An empty piece must not look like the end of the chunks.
    if (calls % 2 == 0)
      out += "piece";
    return ++calls < 4;
  };
  std::string out = written(r, {});
  EXPECT_EQ(out.substr(out.find("\r\n\r\n")), "\r\n\r\n5\r\npiece\r\n5\r\npiece\r\n0\r\n\r\n");
}

}  // namespace
}  // namespace troupe::http
