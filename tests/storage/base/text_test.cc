// Quoting, UTF-8 and log lines.
#include "storage/base/log.h"
#include "storage/base/quote.h"
#include "storage/base/secret.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

TEST(quote, as_go_quotes) {
  EXPECT_EQ(quoted("plain é 日本"), "\"plain é 日本\"");
  EXPECT_EQ(quoted("a\"b\\c\n\t\x01\x7f"), "\"a\\\"b\\\\c\\n\\t\\x01\\x7f\"");
  EXPECT_EQ(quoted("\xff\xc0\xaf"), "\"\\xff\\xc0\\xaf\"");
  EXPECT_EQ(quoted("\u200b\u00a0\ufeff"), "\"\\u200b\\u00a0\\ufeff\"");
  EXPECT_EQ(quoted("😀"), "\"😀\"");
}

TEST(quote, utf8_validity) {
  for (const char* good : {"", "abc", "é", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(is_valid_utf8(good)) << good;
  for (const char* bad : {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                          "\xf8\x88\x80\x80", "\xe2\x82", "a\xff"})
    EXPECT_FALSE(is_valid_utf8(bad)) << quoted(bad);
}

TEST(log, writes_logfmt_and_json) {
  const logger log("unit test");
  testing::internal::CaptureStderr();
  log.info("{} of {}", 1, 2);
  log.debug("hidden");
  configure_log(log_level::debug, log_format::json);
  log.debug("said \"x\"\n");
  configure_log(log_level::info, log_format::logfmt);
  const auto text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find(" level=INFO component=\"unit test\" msg=\"1 of 2\"\n"), std::string::npos)
      << text;
  EXPECT_EQ(text.find("hidden"), std::string::npos);
  EXPECT_NE(text.find("Z\",\"level\":\"DEBUG\",\"component\":\"unit test\",\"msg\":\"said "
                      "\\\"x\\\"\\u000a\"}\n"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.substr(0, 6), "time=2");
}

}  // namespace
}  // namespace troupe
