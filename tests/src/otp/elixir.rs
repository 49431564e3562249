//! An Erlang node with Elixir on top.

use netkernel_core::term::Term;

use super::{Epmd, Erl, ErlOptions, Release};

/// A node that `elixir` has started, killed on drop.
#[derive(Debug)]
pub struct Elixir {
    erl: Erl,
}

impl Elixir {
    /// Starts one, and waits until it is up and its witness answers.
    ///
    /// # Panics
    /// If it ends or does not answer, with its output.
    #[must_use]
    pub fn start(release: Release, epmd: &Epmd, name: &str) -> Self {
        let options = ErlOptions { elixir: true, ..ErlOptions::new(release, epmd, name) };
        Self { erl: Erl::start(&options) }
    }

    /// The same node for what is not Elixir's: Erlang's expressions, events, signals.
    #[must_use]
    pub const fn erl(&self) -> &Erl {
        &self.erl
    }

    /// Its full name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.erl.name()
    }

    /// The value of Elixir code, as `inspect` shows it. Each time in a new process.
    ///
    /// # Panics
    /// If it raises, exits or throws, or there is no answer within [`super::GIVE_UP`].
    pub fn eval(&self, code: &str) -> String {
        self.try_eval(code).unwrap_or_else(|e| panic!("{}: {code}: {e}", self.name()))
    }

    /// The same for code that may fail.
    ///
    /// # Errors
    /// `{:error, Exception}`, `{:exit, Reason}` or `{:throw, Value}`, as `inspect` shows it.
    ///
    /// # Panics
    /// If there is no answer within [`super::GIVE_UP`].
    #[expect(clippy::unwrap_in_result, reason = "the error is Elixir's")]
    pub fn try_eval(&self, code: &str) -> Result<String, String> {
        let code = Term::from(code);
        let shown = self.erl.apply("'Elixir.Witness'", "eval", vec![code]);
        let Some([is_ok, text]) = shown.as_tuple() else { panic!("{shown}") };
        let text = <&str>::try_from(text).expect("UTF-8").to_owned();
        if bool::try_from(is_ok) == Ok(true) { Ok(text) } else { Err(text) }
    }
}

/// What `elixir -e` carries out.
pub(super) fn start(witness: &str, control: u16) -> String {
    format!(
        r#"
defmodule Witness do
  def eval(code) do
    {{value, _}} = Code.eval_string(code)
    {{true, show(value)}}
  catch
    kind, reason -> {{false, show({{kind, reason}})}}
  end

  defp show(value), do: inspect(value, limit: :infinity, printable_limit: :infinity)
end

{{:module, :witness}} = :code.load_abs(String.to_charlist({witness:?}))
:witness.start({control})
"#
    )
}
