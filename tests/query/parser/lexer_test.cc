// Tokens: kinds and places.
#include "query/parser/lexer.h"

#include <gtest/gtest.h>

namespace troupe::query {
namespace {

std::string tokens(std::string_view text) {
  token_list list;
  scan(text, list);
  std::string out;
  for (const auto& t : list.tokens) {
    if (t.kind == token_kind::eof)
      continue;
    if (!out.empty())
      out += ' ';
    out += t.kind == token_kind::error ? "ERROR" : describe(t);
    out += "@" + std::to_string(t.pos);
  }
  return out;
}

TEST(Lexer, Tokens) {
  EXPECT_EQ(tokens("sum(a:b{c!~\"d\"}[5m])"),
            "<aggr:sum>@0 \"(\"@3 metric identifier \"a:b\"@4 \"{\"@7 identifier \"c\"@8 <op:!~>@9 "
            "string \"\\\"d\\\"\"@11 \"}\"@14 \"[\"@15 duration \"5m\"@16 \"]\"@18 \")\"@19");
  EXPECT_EQ(
      tokens("a<=b>=c</d>/e!=f==g<h>i"),
      "identifier \"a\"@0 <op:<=>@1 identifier \"b\"@3 <op:>=>@4 identifier \"c\"@6 <op:</>@7 "
      "identifier \"d\"@9 <op:>/>@10 identifier \"e\"@12 <op:!=>@13 identifier \"f\"@15 "
      "<op:==>@16 identifier \"g\"@18 <op:<>@19 identifier \"h\"@20 <op:>>@21 identifier "
      "\"i\"@22");
}

TEST(Lexer, KeywordsInAnyCase) {
  EXPECT_EQ(tokens("BY By AND Group_Left OFFSET @ Start"),
            "<BY>@0 <By>@3 <op:AND>@6 <Group_Left>@10 <OFFSET>@21 <op:@>@28 \"Start\"@30");
}

TEST(Lexer, FillIsAKeywordOnlyBeforeAParenthesis) {
  EXPECT_EQ(tokens("fill + fill (1) fill_left"),
            "identifier \"fill\"@0 <op:+>@5 <fill>@7 \"(\"@12 number \"1\"@13 \")\"@14 identifier "
            "\"fill_left\"@16");
}

TEST(Lexer, KeywordsInsideBracesAreLabels) {
  EXPECT_EQ(tokens("{by,on}"), "\"{\"@0 identifier \"by\"@1 \",\"@3 identifier \"on\"@4 \"}\"@6");
}

TEST(Lexer, StopsAtTheFirstError) {
  token_list list;
  scan("a $ b", list);
  ASSERT_EQ(list.tokens.size(), 2U);
  EXPECT_EQ(list.tokens.back().kind, token_kind::error);
  EXPECT_EQ(list.tokens.back().text, "unexpected character: '$'");
}

TEST(Lexer, UnquoteRefusesBrokenEscapes) {
  std::string out;
  for (const char* text : {"\"", "\"a", "a\"", "\"\\\"", "\"\\x4\"", "\"\\400\"", "\"\\q\"",
                           "\"\\ud800\"", "\"a\nb\"", "\"a\"b\"", "`a`b`"})
    EXPECT_FALSE(unquote(text, out)) << text;
  EXPECT_TRUE(unquote("'a\\'\\x41'", out));
  EXPECT_EQ(out, "a'A");
}

}  // namespace
}  // namespace troupe::query
