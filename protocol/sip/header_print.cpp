#include "protocol/sip/grammar.hpp"
#include "protocol/sip/header_table.hpp"
#include "protocol/sip/header_value.hpp"

namespace beckon::sip {

namespace {

class Printer {
 public:
  Printer(std::string& out, Shape shape) : out_(out), shape_(shape) {}

  void operator()(std::monostate) {}
  void operator()(std::string_view text) { out_ += text; }
  void operator()(const Item& item) {
    const bool bracketed = shape_ == Shape::links;
    if (bracketed) out_ += '<';
    out_ += item.value;
    if (bracketed) out_ += '>';
    out_ += item.parameters;
  }
  void operator()(const Number& number) {
    grammar::append_number(out_, number.value);
    out_ += number.parameters;
  }
  void operator()(const RetryAfter& value) {
    grammar::append_number(out_, value.seconds);
    if (!value.comment.empty()) out_.append(" (").append(value.comment).append(")");
    out_ += value.parameters;
  }
  void operator()(const Timestamp& value) {
    out_ += value.value;
    if (!value.delay.empty()) out_.append(" ").append(value.delay);
  }
  void operator()(DateTime date) { out_ += print_date(date); }
  void operator()(const Warning& warning) {
    const auto code = std::to_string(warning.code);
    out_.append(3 - code.size(), '0').append(code);
    out_.append(" ").append(warning.agent).append(" ").append(warning.text);
  }
  void operator()(const CSeq& cseq) { append(out_, CSeqView{cseq.number, cseq.method}); }
  void operator()(const RAck& rack) {
    grammar::append_number(out_, rack.response);
    out_ += ' ';
    append(out_, CSeqView{rack.cseq, rack.method});
  }
  void operator()(const AuthValue& value) {
    out_ += value.scheme;
    if (!value.scheme.empty()) out_ += ' ';
    out_ += value.token68;
    std::string_view separator;
    for (const auto& parameter : value.parameters) {
      out_.append(separator).append(parameter.value).append("=").append(parameter.parameters);
      separator = ", ";
    }
  }
  void operator()(const Via& via) {
    append(out_, ViaView{via.transport, via.host, via.port, via.parameters, {}});
  }
  void operator()(const NameAddr& address) { out_ += print(address); }
  void operator()(const Contact& contact) {
    out_ += contact.is_star() ? std::string("*") : print(contact.address);
  }
  template <class T>
  void operator()(const std::vector<T>& values) {
    std::string_view separator;
    for (const auto& value : values) {
      out_ += separator;
      (*this)(value);
      separator = shape_ == Shape::products ? " " : shape_ == Shape::semicolon_tokens ? ";" : ", ";
    }
  }

 private:
  std::string& out_;
  Shape shape_;
};

}  // namespace

void append(std::string& out, HeaderId id, const HeaderValue& value) {
  Printer printer(out, row_of(id).shape);
  std::visit([&](const auto& held) { printer(held); }, value);
}

std::string print(HeaderId id, const HeaderValue& value) {
  std::string out;
  append(out, id, value);
  return out;
}

}  // namespace beckon::sip
