#include "policy/timeout.h"

#include "config/read.h"

namespace vg::policy {

namespace {

class Timeout final : public pipeline::Policy {
 public:
  Timeout(Duration after, uint16_t status) : after_(after), status_(status) {}

  // Arms the request's own deadline: everything below waits under ctx.cancel, and ends with kTimeout when it passes. It
  // is disarmed when the response is ready, by whoever writes it; no frame is needed here to wait for that.
  coro::Task<Result<void>> run(pipeline::Context& ctx, pipeline::Next next) const override {
    ctx.timeout_status = status_;
    ctx.cancel.arm(ctx.loop, ctx.head_done + after_);
    return next.run(ctx);
  }

 private:
  Duration after_;
  uint16_t status_;
};

}  // namespace

config::PolicyType describe_timeout() {
  config::PolicyType type;
  type.name = "timeout";
  type.spec =
      config::map(
          {config::key("after", config::duration().between(1'000'000, 86'400'000'000'000))
               .required()
               .summary("how long a request may take until its response is ready"),
           config::key("status", config::one_of({"504", "503", "408"})).fallback("504").summary("what it gets then")})
          .short_form("after")
          .example("3s");
  type.default_text = "30s";
  type.about =
      "how long a request may take, from the end of its head until the response is ready (proxy-fetch: its head)";
  return type;
}

std::unique_ptr<pipeline::Policy> create_timeout(const config::Node& settings, pipeline::Build&) {
  const int64_t status = std::stoll(config::text(&settings, "status", "504"));
  return std::make_unique<Timeout>(config::duration(&settings, "after", std::chrono::seconds(30)),
                                   static_cast<uint16_t>(status));
}

}  // namespace vg::policy
