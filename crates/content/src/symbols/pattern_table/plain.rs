//! Languages of functions and macros, scripts, schemas and configuration.

use crate::symbols::patterns::{Patterns, line};
use crate::symbols::record::DefinitionKind::{
    Class, Constant, Enum, Field, Function, Interface, Macro, Method, Module, Section, Struct, Table, Type, Union,
    Variable,
};

pub(super) static CLOJURE: Patterns = Patterns::new(
    "/",
    &[
        line(Module, r"^\(ns\s+([\w.\-]+)"),
        line(Macro, r"^\(defmacro\s+(?:\^\S+\s+)*([^\s()\[\]]+)"),
        line(Function, r"^\(def(?:n-?|multi|method)\s+(?:\^\S+\s+)*([^\s()\[\]]+)"),
        line(Type, r"^\(def(?:record|type|protocol|struct)\s+([^\s()\[\]]+)"),
        line(Variable, r"^\(def(?:once)?\s+(?:\^\S+\s+)*([^\s()\[\]]+)"),
    ],
)
.with_whole_names();

pub(super) static CMAKE: Patterns = Patterns::new(
    ".",
    &[
        line(Function, r"(?i)^function\s*\(\s*(\w+)"),
        line(Macro, r"(?i)^macro\s*\(\s*(\w+)"),
        line(Module, r"(?i)^add_(?:executable|library|custom_target)\s*\(\s*([\w.\-]+)"),
    ],
)
.with_whole_names();

pub(super) static DOCKERFILE: Patterns =
    Patterns::new(".", &[line(Module, r"(?i)^FROM\s+\S+\s+AS\s+([\w.\-]+)"), line(Variable, r"(?i)^ARG\s+(\w+)")])
        .with_whole_names();

pub(super) static ELIXIR: Patterns = Patterns::new(
    ".",
    &[
        line(Module, r"^def(?:module|impl)\s+([\w.]+)"),
        line(Interface, r"^defprotocol\s+([\w.]+)"),
        line(Macro, r"^defmacrop?\s+(\w+[?!]?)"),
        line(Function, r"^def(?:p|guard|guardp|delegate|callback)?\s+(\w+[?!]?)"),
        line(Type, r"^@(?:type|typep|opaque)\s+(\w+)"),
    ],
);

pub(super) static ERLANG: Patterns = Patterns::new(
    ":",
    &[
        line(Module, r"^-module\(\s*(\w+)"),
        line(Struct, r"^-record\(\s*(\w+)"),
        line(Macro, r"^-define\(\s*(\w+)"),
        line(Type, r"^-(?:type|opaque)\s+(\w+)"),
        line(Function, r"^([a-z]\w*)\([^)]*\)\s*(?:when\b.*)?->"),
    ],
);

pub(super) static FISH: Patterns = Patterns::new(".", &[line(Function, r"^function\s+([\w.\-:]+)")]).with_whole_names();

pub(super) static GRAPHQL: Patterns = Patterns::new(
    ".",
    &[
        line(Enum, r"^enum\s+(\w+)"),
        line(Interface, r"^interface\s+(\w+)"),
        line(Union, r"^union\s+(\w+)"),
        line(Type, r"^(?:extend\s+)?(?:type|input|scalar)\s+(\w+)"),
        line(Function, r"^(?:query|mutation|subscription|fragment)\s+(\w+)"),
    ],
);

pub(super) static HASKELL: Patterns = Patterns::new(
    ".",
    &[
        line(Module, r"^module\s+([\w.]+)"),
        line(Interface, r"^class\s+(?:.*=>\s*)?([A-Z][\w']*)"),
        line(Type, r"^(?:data|newtype)\s+(?:.*=>\s*)?([A-Z][\w']*)"),
        line(Type, r"^type\s+(?:family\s+)?([A-Z][\w']*)"),
        line(Function, r"^([a-z_][\w']*)\s*(?:,\s*[a-z_][\w']*\s*)*::"),
    ],
);

pub(super) static HCL: Patterns = Patterns::new(
    ".",
    &[
        line(Module, r#"^module\s+"?([\w\-]+)"#),
        line(Struct, r#"^(?:resource|data)\s+"[\w\-]+"\s+"([\w\-]+)"#),
        line(Variable, r#"^(?:variable|output|provider)\s+"?([\w\-]+)"#),
    ],
);

pub(super) static JULIA: Patterns = Patterns::new(
    ".",
    &[
        line(Module, r"^(?:bare)?module\s+(\w+)"),
        line(Struct, r"^(?:mutable\s+)?struct\s+(\w+)"),
        line(Type, r"^(?:abstract|primitive)\s+type\s+(\w+)"),
        line(Macro, r"^macro\s+(\w+)"),
        line(Function, r"^function\s+([\w.]+!?)"),
        line(Function, r"^([\w.]+!?)\([^=]*\)\s*(?:where\s.*)?=[^=]"),
        line(Constant, r"^const\s+(\w+)"),
    ],
)
.with_modifiers(&[], Some('@'));

pub(super) static LUA: Patterns = Patterns::new(
    ".",
    &[
        line(Function, r"^(?:local\s+)?function\s+([\w.:]+)"),
        line(Function, r"^(?:local\s+)?([\w.]+)\s*=\s*function\b"),
        line(Variable, r"^local\s+([A-Z]\w*)\s*="),
    ],
);

pub(super) static MAKE: Patterns = Patterns::new(
    ".",
    &[line(Macro, r"^define\s+([\w.\-]+)"), line(Function, r"^([\w.\-/%]+)(?:\s+[\w.\-/%]+)*\s*::?(?:[^=:]|$)")],
)
.with_whole_names();

pub(super) static PERL: Patterns = Patterns::new(
    "::",
    &[
        line(Module, r"^package\s+([\w:]+)"),
        line(Function, r"^(?:my\s+)?sub\s+([\w:]+)"),
        line(Constant, r"^use\s+constant\s+(\w+)"),
    ],
);

pub(super) static POWERSHELL: Patterns = Patterns::new(
    ".",
    &[
        line(Function, r"(?i)^(?:function|filter)\s+(?:\w+:)?([\w\-]+)"),
        line(Class, r"(?i)^class\s+(\w+)"),
        line(Enum, r"(?i)^enum\s+(\w+)"),
    ],
);

pub(super) static PROTOBUF: Patterns = Patterns::new(
    ".",
    &[
        line(Module, r"^package\s+([\w.]+)"),
        line(Struct, r"^message\s+(\w+)"),
        line(Enum, r"^enum\s+(\w+)"),
        line(Interface, r"^service\s+(\w+)"),
        line(Method, r"^rpc\s+(\w+)"),
    ],
);

pub(super) static R: Patterns = Patterns::new(
    ".",
    &[line(Function, r#"^[`"']?([\w.]+)[`"']?\s*(?:<-|=)\s*function\b"#), line(Class, r#"^setClass\(\s*["'](\w+)"#)],
)
.with_whole_names();

pub(super) static SHELL: Patterns = Patterns::new(
    ".",
    &[
        line(Function, r"^function\s+([\w.\-:]+)"),
        line(Function, r"^([\w.\-:]+)\s*\(\s*\)"),
        line(Variable, r"^(?:declare\s+(?:-\w+\s+)*)?([A-Z_][A-Z0-9_]*)="),
        line(Function, r"^alias\s+([\w.\-]+)="),
    ],
)
.with_modifiers(&["export", "readonly"], None)
.with_whole_names();

pub(super) static SQL: Patterns = Patterns::new(
    ".",
    &[
        line(Table, r#"(?i)^create\s+(?:\w+\s+){0,3}?(?:table|view)\s+(?:if\s+not\s+exists\s+)?([\w."`\[\]]+)"#),
        line(
            Function,
            r#"(?i)^create\s+(?:\S+\s+){0,4}?(?:function|procedure|trigger)\s+(?:if\s+not\s+exists\s+)?([\w."`\[\]]+)"#,
        ),
        line(
            Type,
            r#"(?i)^create\s+(?:type|domain|extension|schema|sequence|role)\s+(?:if\s+not\s+exists\s+)?([\w."`\[\]]+)"#,
        ),
        line(
            Field,
            r#"(?i)^create\s+(?:unique\s+)?index\s+(?:concurrently\s+)?(?:if\s+not\s+exists\s+)?([\w."`\[\]]+)"#,
        ),
    ],
);

pub(super) static STARLARK: Patterns = Patterns::new(
    ".",
    &[
        line(Function, r"^def\s+(\w+)"),
        line(Module, r#"^name\s*=\s*"([\w.\-/]+)""#),
        line(Variable, r"^([A-Z_]\w*)\s*=[^=]"),
    ],
);

pub(super) static TABLES: Patterns =
    Patterns::new(".", &[line(Section, r"^\[\[?\s*([^\[\]]+?)\s*\]\]?")]).with_whole_names();
