// Expectations are those of VictoriaMetrics' lib/protoparser/influx.
#include "pipeline/influx/line.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace troupe::influx {
namespace {

std::string read(std::string_view text) {
  line l;
  if (const auto done = l.parse(text); !done.ok())
    return "error: " + std::string(done.message());
  std::string out = fmt::format("[{}]", l.measurement);
  for (const auto& t : l.tags)
    out += fmt::format(" [{}]=[{}]", t.key, t.value);
  out += " |";
  for (const auto& f : l.fields)
    out += fmt::format(" [{}]={}", f.key, f.value);
  return out + (l.time ? fmt::format(" @{}", *l.time) : "");
}

TEST(influx_line, measurement_tags_fields_time) {
  EXPECT_EQ(read("cpu,host=a,cpu=0 usage=1.5,count=7i 123"),
            "[cpu] [host]=[a] [cpu]=[0] | [usage]=1.5 [count]=7 @123");
  EXPECT_EQ(read("cpu a=1"), "[cpu] | [a]=1");
  EXPECT_EQ(read("cpu   a=1   -5"), "[cpu] | [a]=1 @-5");
  EXPECT_EQ(read("cpu a=1 "), "[cpu] | [a]=1");
  EXPECT_EQ(read(",t=v a=1"), "[] [t]=[v] | [a]=1");
  EXPECT_EQ(read("cpu,a=,=b,c=d x=1"), "[cpu] [c]=[d] | [x]=1");
}

TEST(influx_line, values) {
  EXPECT_EQ(read("m a=1e3,b=-2.5,c=t,d=FALSE,e=18446744073709551615u,f=-9i,g=True"),
            "[m] | [a]=1000 [b]=-2.5 [c]=1 [d]=0 [e]=1.8446744073709552e+19 [f]=-9 [g]=1");
  EXPECT_EQ(read(R"(m a="text",b="12.5",c="x, y=\"z\" w",d=inf,e=word)"),
            "[m] | [a]=0 [b]=12.5 [c]=0 [d]=inf [e]=0");
  EXPECT_EQ(read(R"(m a="spaces and, commas = kept" 5)"), "[m] | [a]=0 @5");
}

TEST(influx_line, escapes) {
  EXPECT_EQ(read(R"(my\ cpu\,x,ho\=st=a\ b\,c,p=C:\\dir\x f\ 1=1)"),
            R"([my cpu,x] [ho=st]=[a b,c] [p]=[C:\dir\x] | [f 1]=1)");
  EXPECT_EQ(read(R"(m,a=b\\ f=1)"), R"([m] [a]=[b\] | [f]=1)");
  EXPECT_EQ(read(R"(m f=1,g\,h=2)"), "[m] | [f]=1 [g,h]=2");
}

TEST(influx_line, what_is_wrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"cpu", "no fields in \"cpu\""},
      {"cpu,a=b", "no fields in \"cpu,a=b\""},
      {"cpu ", "missing field value for \"\""},
      {"cpu,a x=1", "missing tag value for \"a\""},
      {"cpu, x=1", "missing tag value for \"\""},
      {"cpu x", "missing field value for \"x\""},
      {"cpu x=1,", "missing field value for \"\""},
      {"cpu =1", "field key cannot be empty"},
      {"cpu x=", "field \"x\": field value cannot be empty"},
      {"cpu x=1.5i", "field \"x\": cannot parse integer \"1.5i\""},
      {"cpu x=99999999999999999999i",
       "field \"x\": cannot parse integer \"99999999999999999999i\""},
      {"cpu x=-1u", "field \"x\": cannot parse unsigned integer \"-1u\""},
      {"cpu x=\"a", "field \"x\": missing closing quote for quoted field value"},
      {"cpu x=1 1.5", "cannot parse timestamp \"1.5\""},
      {"cpu x=1 5 6", "cannot parse timestamp \"5 6\""},
  };
  for (const auto& [text, error] : cases)
    EXPECT_EQ(read(text), std::string("error: ") + error) << text;
}

TEST(influx_line, lines_of_a_body) {
  std::string_view body = "a\r\n\n# c\nb";
  std::string seen;
  while (const auto l = next_line(body))
    seen += "<" + std::string(*l) + ">";
  EXPECT_EQ(seen, "<a><><# c><b>");
}

}  // namespace
}  // namespace troupe::influx
