#include <gtest/gtest.h>

#include "unit/http/form_reading.h"

namespace vg::http {
namespace {

using test::field;
using test::kEnd;
using test::multipart;
using test::part;

std::string with(std::string body) { return body.append(kEnd); }

TEST(FormMultipart, ReadsWhatBrowsersSend) {
  EXPECT_EQ(multipart("------WebKitFormBoundaryX\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nAnn\r\n"
                      "------WebKitFormBoundaryX\r\nContent-Disposition: form-data; name=\"bio\"\r\n\r\na\r\nb\r\n\r\n"
                      "------WebKitFormBoundaryX--\r\n",
                      "multipart/form-data; boundary=----WebKitFormBoundaryX"),
            "name=Ann|bio=a\r\nb\r\n");
}

TEST(FormMultipart, ContentIsTakenByteForByte) {
  EXPECT_EQ(multipart(with(field("a", ""))), "a=");
  EXPECT_EQ(multipart(with(field("a", "%41+\n\t\"=&"))), "a=%41+\n\t\"=&");
  EXPECT_EQ(multipart(with(field("a", "\r\n"))), "a=\r\n");
  EXPECT_EQ(multipart(with(field("a", "\r\n\r\n"))), "a=\r\n\r\n");
}

TEST(FormMultipart, OrderAndRepeatedNamesStay) {
  EXPECT_EQ(multipart(with(field("b", "1") + field("a", "2") + field("b", "3"))), "b=1|a=2|b=3");
}

TEST(FormMultipart, AFormWithoutFieldsIsOne) {
  EXPECT_EQ(multipart("--b--\r\n"), "");
  EXPECT_EQ(multipart("--b--"), "");
}

TEST(FormMultipart, WhatStandsBeforeAndBehindTheBoundariesIsPassedOver) {
  EXPECT_EQ(multipart("a preamble\r\nof lines\r\n" + field("a", "1") + "--b--\r\nan epilogue\r\n\r\nof lines"), "a=1");
  EXPECT_EQ(multipart("\r\n" + with(field("a", "1"))), "a=1");
  EXPECT_EQ(multipart(field("a", "1") + "--b-- \t"), "a=1");
}

TEST(FormMultipart, BlanksMayFollowABoundary) {
  EXPECT_EQ(multipart("--b \t\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b-- \r\n"), "a=1");
}

TEST(FormMultipart, ABoundaryWithinALineIsContent) {
  EXPECT_EQ(multipart(with(field("a", "x--b"))), "a=x--b");
  EXPECT_EQ(multipart(with(field("a", "x--b--"))), "a=x--b--");
  EXPECT_EQ(multipart(with(field("a", "\r\n-\r\n--\r\n--a\r\n -b\r\n- --b"))), "a=\r\n-\r\n--\r\n--a\r\n -b\r\n- --b");
}

TEST(FormMultipart, ABoundaryThatBeginsALineInAnyOtherWayIsRefused) {
  for (const char* content : {"x\n--b\r\n", "x\n--b--\r\n", "x\r--b", "\n--b", "--b", "--b--", "x\r\n--bx", "x\r\n--b-",
                              "x\r\n--b-x", "x\r\n--b--x", "x\r\n--b\n", "x\r\n--b \tx", "x\n--bx", "x\r\n--bb\r\n"}) {
    EXPECT_EQ(multipart(with(field("a", content))), "malformed") << content;
  }
}

TEST(FormMultipart, BehindTheLastBoundaryThereIsNoOther) {
  EXPECT_EQ(multipart(with(with(field("a", "1")) + field("b", "2"))), "malformed");
  EXPECT_EQ(multipart(with(field("a", "1")) + "x\n--b\r\n"), "malformed");
  EXPECT_EQ(multipart(with(field("a", "1")) + "x --b\r\n"), "a=1");
}

TEST(FormMultipart, WithoutTheLastBoundaryItIsCutOff) {
  const std::string whole = with(field("a", "1") + field("b", "2"));
  for (size_t size = 0; size + 2 < whole.size(); ++size) {
    EXPECT_EQ(multipart(whole.substr(0, size)), "malformed") << size;
  }
  EXPECT_EQ(multipart(whole.substr(0, whole.size() - 2)), "a=1|b=2");
  EXPECT_EQ(multipart(whole.substr(0, whole.size() - 1)), "malformed");
}

TEST(FormMultipart, LinesEndInCrlfAlone) {
  for (const char* body : {"--b\nContent-Disposition: form-data; name=a\n\n1\n--b--\n",
                           "--b\r\nContent-Disposition: form-data; name=a\n\r\n1\r\n--b--\r\n",
                           "--b\r\nContent-Disposition: form-data; name=a\r\n\n1\r\n--b--\r\n",
                           "--b\r\nContent-Disposition: form-data; name=a\r\r\n\r\n1\r\n--b--\r\n",
                           "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\n--b--\r\n",
                           "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--\n"}) {
    EXPECT_EQ(multipart(body), "malformed") << body;
  }
}

TEST(FormMultipart, APartNeedsAHeadAndABlankLine) {
  for (const char* body :
       {"--b\r\n--b--\r\n", "--b\r\n\r\n--b--\r\n", "--b\r\n\r\n1\r\n--b--\r\n", "--b\r\n\r\n\r\n1\r\n--b--\r\n",
        "--b\r\nContent-Disposition: form-data; name=a\r\n--b--\r\n",
        "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--\r\n",
        "--b\r\nContent-Type: text/plain\r\n\r\n1\r\n--b--\r\n"}) {
    EXPECT_EQ(multipart(body), "malformed") << body;
  }
  EXPECT_EQ(multipart("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--b--\r\n"), "a=");
}

TEST(FormMultipart, HeadersThatBreakTheGrammarAreRefused) {
  const std::string good = "Content-Disposition: form-data; name=a";
  for (const std::string& head : std::vector<std::string>{
           " " + good, good + "\r\n folded: 1", good + "\r\nX", good + "\r\n: 1", good + "\r\nA b: 1",
           good + "\r\nX: a\nb", good + "\r\nX: \x01", good + "\r\nX : 1", good + "\r\n" + good,
           "Content-Disposition : form-data; name=a", "Content-Disposition; form-data; name=a"}) {
    EXPECT_EQ(multipart(with(part(head, "1"))), "malformed") << head;
  }
  EXPECT_EQ(multipart(with(part(good + "\r\nX-Other: \xC3\xA9 \"", "1"))), "a=1");
  EXPECT_EQ(multipart(with(part("CONTENT-disposition:FORM-DATA;NAME=a", "1"))), "a=1");
}

TEST(FormMultipart, AHugeHeadIsRefused) {
  const std::string good = "Content-Disposition: form-data; name=a\r\nX: ";
  const size_t room = kMaxPartHeadBytes - good.size() - 4;
  EXPECT_EQ(multipart(with(part(good + std::string(room, 'x'), "1"))), "a=1");
  EXPECT_EQ(multipart(with(part(good + std::string(room + 1, 'x'), "1"))), "malformed");
}

TEST(FormMultipart, TheDispositionIsFormDataWithOneName) {
  for (const char* value : {"",
                            "form-data",
                            "form-data;",
                            "form-data; name",
                            "form-data; name=",
                            "form-data; name=\"\"",
                            "attachment; name=a",
                            "form-data name=a",
                            "form-data; name=a; name=b",
                            "form-data; name=a; NAME=a",
                            "form-data; name=\"a",
                            "form-data; name=\"a\"b",
                            "form-data; name=a b",
                            "form-data; name =a",
                            "form-data; name= a",
                            "form-data; name*=utf-8''a",
                            "form-data; name=a; name*=utf-8''b",
                            "form-data, name=a",
                            "form-data; =a",
                            "form-data; name=\"a\"\"b\"",
                            "form-data; name='a b'"}) {
    EXPECT_EQ(multipart(with(part("Content-Disposition: " + std::string(value), "1"))), "malformed") << value;
  }
  for (const char* value : {"form-data; name=a", "form-data;name=\"a\"", "form-data ; other=\"x;y\" ;name=a ;"}) {
    EXPECT_EQ(multipart(with(part("Content-Disposition: " + std::string(value), "1"))), "a=1") << value;
  }
}

TEST(FormMultipart, NamesAreDecodedByTheRulesOfHtml) {
  EXPECT_EQ(multipart(with(field("a%22b%22", "1"))), "a\"b\"=1");
  EXPECT_EQ(multipart(with(field("a%0D%0ab", "1"))), "a\r\nb=1");
  EXPECT_EQ(multipart(with(field("100%25%41%", "1"))), "100%25%41%=1");
  EXPECT_EQ(multipart(with(field("a\\b\\\\", "1"))), "a\\b\\\\=1");
  EXPECT_EQ(multipart(with(field("a;b=c, d", "1"))), "a;b=c, d=1");
  EXPECT_EQ(multipart(with(field("\xC3\xA9", "\xC3\xA9"))), "\xC3\xA9=\xC3\xA9");
}

TEST(FormMultipart, NestedQuotesNeverHideAFile) {
  EXPECT_EQ(multipart(with(field("a\\\"; filename=\"b", "1"))), "file");
  EXPECT_EQ(multipart(with(field("a\\\"; filename=\\\"b", "1"))), "malformed");
  EXPECT_EQ(multipart(with(field("a\\\"b", "1"))), "malformed");
  EXPECT_EQ(multipart(with(field("a%22; filename=%22b", "1"))), "a\"; filename=\"b=1");
}

TEST(FormMultipart, FilesAreToldWithTheirName) {
  for (const char* rest :
       {"; filename=\"a.txt\"", "; filename=\"\"", "; filename=a", "; filename*=utf-8''a", "; FileName=\"a\"; x=1"}) {
    std::vector<FormField> fields;
    const std::string body =
        with(field("ok", "1") + part("Content-Disposition: form-data; name=avatar" + std::string(rest), "1"));
    EXPECT_EQ(read_multipart(body, "multipart/form-data; boundary=b", fields), FormError::kFile) << rest;
    ASSERT_EQ(fields.size(), 2U);
    EXPECT_EQ(fields[1].name, "avatar");
    EXPECT_EQ(fields[1].value, "");
  }
  EXPECT_EQ(
      multipart(with(part("Content-Disposition: form-data; name=a\r\nContent-Type: multipart/mixed; boundary=c", "1"))),
      "file");
}

TEST(FormMultipart, TextIsUtf8) {
  EXPECT_EQ(multipart(with(field("a", "\xFF"))), "not utf-8");
  EXPECT_EQ(multipart(with(field("\xFF", "1"))), "not utf-8");
  EXPECT_EQ(multipart(with(field("_charset_", "utf-8") + field("a", "1"))), "_charset_=utf-8|a=1");
  EXPECT_EQ(multipart(with(field("_charset_", "iso-8859-1"))), "not utf-8");
  const auto typed = [](std::string_view type) {
    return multipart(with(part("Content-Disposition: form-data; name=a\r\nContent-Type: " + std::string(type), "1")));
  };
  for (const char* type :
       {"text/plain", "text/plain; charset=UTF-8", "text/plain;charset=\"us-ascii\"", "application/json"}) {
    EXPECT_EQ(typed(type), "a=1") << type;
  }
  EXPECT_EQ(typed("text/plain; charset=utf-16"), "not utf-8");
  EXPECT_EQ(typed("text/plain; charset=iso-8859-1"), "not utf-8");
  for (const char* type :
       {"text", "text/plain; charset", "text/plain, text/html", "text/plain; charset=utf-8; charset=x"}) {
    EXPECT_EQ(typed(type), "malformed") << type;
  }
}

TEST(FormMultipart, ATransferEncodingThatChangesBytesIsRefused) {
  const auto coded = [](std::string_view coding) {
    return multipart(
        with(part("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: " + std::string(coding), "1")));
  };
  for (const char* coding : {"7bit", "8BIT", "binary"}) EXPECT_EQ(coded(coding), "a=1") << coding;
  for (const char* coding : {"base64", "quoted-printable", "x-other"}) EXPECT_EQ(coded(coding), "malformed") << coding;
}

TEST(FormMultipart, AThousandFieldsAreTheMost) {
  std::string body;
  for (size_t i = 0; i < kMaxFormFields; ++i) body += field("a", "1");
  std::vector<FormField> fields;
  EXPECT_EQ(read_multipart(with(body), "multipart/form-data; boundary=b", fields), FormError::kNone);
  EXPECT_EQ(fields.size(), kMaxFormFields);
  for (size_t i = 0; i < 9 * kMaxFormFields; ++i) body += field("a", "1");
  EXPECT_EQ(read_multipart(with(body), "multipart/form-data; boundary=b", fields), FormError::kTooManyFields);
  EXPECT_EQ(fields.size(), kMaxFormFields);
}

TEST(FormMultipart, TheBoundaryIsOneOfRfc2046) {
  const auto bounded = [](const std::string& boundary, std::string_view as_written) {
    return multipart("--" + boundary + "\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--" + boundary + "--",
                     "Multipart/Form-Data; boundary=" + std::string(as_written));
  };
  EXPECT_EQ(bounded("b", "\"b\""), "a=1");
  EXPECT_EQ(bounded("'()+_,-./:=? 9", "\"'()+_,-./:=? 9\""), "a=1");
  EXPECT_EQ(bounded(std::string(70, 'x'), std::string(70, 'x')), "a=1");
  EXPECT_EQ(bounded(std::string(71, 'x'), std::string(71, 'x')), "malformed");
  EXPECT_EQ(bounded("", "\"\""), "malformed");
  EXPECT_EQ(bounded("", ""), "malformed");
  EXPECT_EQ(bounded("b ", "\"b \""), "malformed");
  EXPECT_EQ(bounded("b@c", "\"b@c\""), "malformed");
  EXPECT_EQ(bounded("b:c", "b:c"), "malformed");
  EXPECT_EQ(bounded("b", "b; boundary=c"), "malformed");
}

TEST(FormMultipart, AnotherContentTypeIsNoForm) {
  const std::string body = with(field("a", "1"));
  for (const char* type :
       {"", "multipart/form-data", "multipart/form-data; charset=utf-8", "multipart/mixed; boundary=b",
        "multipart/form-dat; boundary=b", "multipart/form-data, boundary=b", "multipart/form-data boundary=b"}) {
    EXPECT_EQ(multipart(body, type), "malformed") << type;
  }
  EXPECT_EQ(multipart(body, "multipart/form-data; charset=utf-8; boundary=b"), "a=1");
  EXPECT_EQ(multipart(body, "multipart/form-data; boundary=b; charset=latin1"), "not utf-8");
}

TEST(FormMultipart, NothingIsReadPastAViewWithoutMemory) {
  std::vector<FormField> fields;
  EXPECT_EQ(read_multipart({}, "multipart/form-data; boundary=b", fields), FormError::kMalformed);
}

}  // namespace
}  // namespace vg::http
