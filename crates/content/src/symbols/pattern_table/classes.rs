//! Languages with classes, and with modifiers before what a line defines.

use crate::symbols::patterns::{Patterns, line, modified};
use crate::symbols::record::DefinitionKind::{
    Class, Constant, Enum, Field, Function, Interface, Macro, Method, Module, Struct, Trait, Type, Variable,
};

/// Words before a definition in the languages that took them from Java; each has some of them.
#[rustfmt::skip]
const MODIFIERS: &[&str] = &[
    "abstract", "actual", "annotation", "async", "base", "case", "companion", "convenience", "data", "distributed",
    "expect", "external", "extern", "file", "fileprivate", "final", "implicit", "indirect", "infix", "inline", "inner",
    "internal", "late", "lateinit", "lazy", "mutating", "new", "nonisolated", "nonmutating", "opaque", "open",
    "operator", "override", "partial", "postfix", "prefix", "private", "protected", "public", "readonly", "ref",
    "required", "sealed", "static", "suspend", "synchronized", "tailrec", "transparent", "unsafe", "value",
    "virtual", "volatile", "weak",
];

pub(super) static C_SHARP: Patterns = Patterns::new(
    ".",
    &[
        line(Module, r"^namespace\s+([\w.]+)"),
        line(Struct, r"^(?:record\s+)?struct\s+(\w+)"),
        line(Class, r"^(?:class|record(?:\s+class)?)\s+(\w+)"),
        line(Interface, r"^interface\s+(\w+)"),
        line(Enum, r"^enum\s+(\w+)"),
        line(Type, r"^delegate\s+[\w<>\[\],.?\s]+?\s+(\w+)\s*[(<]"),
        line(Constant, r"^const\s+[\w<>\[\].?]+\s+(\w+)\s*="),
        modified(Method, r"^(?:[\w<>\[\],.?()]+\s+)*?(?:[\w.]+\.)?(\w+)\s*(?:<[^>(]*>)?\("),
        modified(Field, r"^[\w<>\[\],.?]+\s+(\w+)\s*(?:\{|=|;|$)"),
    ],
)
.with_modifiers(MODIFIERS, Some('['));

pub(super) static DART: Patterns = Patterns::new(
    ".",
    &[
        line(Class, r"^(?:interface\s+|mixin\s+)?class\s+(\w+)"),
        line(Trait, r"^mixin\s+(\w+)"),
        line(Enum, r"^enum\s+(\w+)"),
        line(Type, r"^(?:typedef|extension(?:\s+type)?)\s+(\w+)"),
        line(
            Function,
            r"^(?:void|int|double|bool|num|dynamic|[A-Z][\w<>?,.]*)\s+(?:get\s+|set\s+)?(\w+)\s*(?:<[^>]*>)?\([^;]*$",
        ),
    ],
)
.with_modifiers(MODIFIERS, Some('@'));

pub(super) static GROOVY: Patterns = Patterns::new(
    ".",
    &[
        line(Class, r"^class\s+(\w+)"),
        line(Interface, r"^(?:interface|trait)\s+(\w+)"),
        line(Enum, r"^enum\s+(\w+)"),
        line(Function, r"^(?:def|void|[A-Z][\w<>\[\],.]*)\s+(\w+)\s*\([^)]*\)\s*(?:throws\s+[\w., ]+)?\{"),
        line(Function, r"^task\s+(\w+)"),
    ],
)
.with_modifiers(MODIFIERS, Some('@'));

pub(super) static KOTLIN: Patterns = Patterns::new(
    ".",
    &[
        line(Enum, r"^enum\s+class\s+(\w+)"),
        line(Class, r"^(?:class|object)\s+(\w+)"),
        line(Interface, r"^(?:fun\s+)?interface\s+(\w+)"),
        line(Type, r"^typealias\s+(\w+)"),
        line(Function, r"^fun\s+(?:<[^>]*>\s*)?(?:[\w<>?,]+\.)?(`[^`]+`|\w+)\s*\("),
        line(Constant, r"^const\s+val\s+(\w+)"),
        line(Field, r"^va[lr]\s+(?:<[^>]*>\s*)?(?:[\w<>?]+\.)?(\w+)"),
    ],
)
.with_modifiers(MODIFIERS, Some('@'));

pub(super) static OBJECTIVE_C: Patterns = Patterns::new(
    ".",
    &[
        line(Class, r"^@(?:interface|implementation)\s+(\w+)"),
        line(Interface, r"^@protocol\s+(\w+)\s*(?:<|$)"),
        line(Method, r"^[-+]\s*\([^)]*\)\s*(\w+)"),
        line(Macro, r"^#\s*define\s+(\w+)"),
        line(Function, r"^(?:static\s+|inline\s+|extern\s+)*[A-Za-z_][\w\s*]*?[\s*](\w+)\s*\([^;]*\)\s*\{?$"),
    ],
);

pub(super) static PHP: Patterns = Patterns::new(
    r"\",
    &[
        line(Module, r"^namespace\s+([\w\\]+)"),
        line(Class, r"^class\s+(\w+)"),
        line(Interface, r"^interface\s+(\w+)"),
        line(Trait, r"^trait\s+(\w+)"),
        line(Enum, r"^enum\s+(\w+)"),
        line(Function, r"^function\s+&?\s*(\w+)\s*\("),
        line(Constant, r"^const\s+(?:\??[\w\\|]+\s+)?(\w+)\s*="),
        line(Constant, r#"^define\(\s*['"](\w+)"#),
        modified(Field, r"^(?:\??[\w\\|]+\s+)?\$(\w+)"),
    ],
)
.with_modifiers(&["abstract", "final", "private", "protected", "public", "readonly", "static", "var"], None);

pub(super) static RUBY: Patterns = Patterns::new(
    "::",
    &[
        line(Module, r"^module\s+([\w:]+)"),
        line(Class, r"^class\s+([A-Z][\w:]*)"),
        line(Function, r"^def\s+(?:self\.|[A-Z]\w*\.)?(\w+[?!=]?|[\[\]<>=+\-*/%!~^&|]+)"),
        line(Constant, r"^([A-Z]\w*)\s*=[^=~]"),
        line(Field, r"^attr_(?:reader|writer|accessor)\s+:(\w+)"),
    ],
)
.with_modifiers(&["private", "protected", "public", "module_function", "private_class_method"], None);

pub(super) static SCALA: Patterns = Patterns::new(
    ".",
    &[
        line(Module, r"^package\s+(?:object\s+)?([\w.]+)"),
        line(Class, r"^(?:class|object)\s+(\w+)"),
        line(Trait, r"^trait\s+(\w+)"),
        line(Enum, r"^enum\s+(\w+)"),
        line(Function, r"^def\s+(\w+|`[^`]+`|[^\w\s(\[:=]+)"),
        line(Type, r"^type\s+(\w+)"),
        line(Field, r"^va[lr]\s+(\w+)"),
    ],
)
.with_modifiers(MODIFIERS, Some('@'));

pub(super) static SCRIPT: Patterns = Patterns::new(
    ".",
    &[
        line(Function, r"^function\s*\*?\s*(\w+)"),
        line(Class, r"^class\s+(\w+)"),
        line(Interface, r"^interface\s+(\w+)"),
        line(Type, r"^type\s+(\w+)"),
        line(
            Function,
            r"^(?:const|let|var)\s+(\w+)\s*=\s*(?:async\s*)?(?:function\b|\([^)]*\)\s*(?::[^=]+)?=>|\w+\s*=>)",
        ),
    ],
)
.with_modifiers(&["abstract", "async", "declare", "default", "export"], None);

pub(super) static SWIFT: Patterns = Patterns::new(
    ".",
    &[
        line(Function, r"^(?:class\s+)?func\s+(\w+|`\w+`|[^\w\s(<]+)"),
        line(Class, r"^(?:class|actor)\s+([A-Z_]\w*)"),
        line(Struct, r"^struct\s+(\w+)"),
        line(Enum, r"^enum\s+(\w+)"),
        line(Interface, r"^protocol\s+(\w+)"),
        line(Type, r"^(?:typealias|associatedtype)\s+(\w+)"),
        line(Field, r"^(?:class\s+)?(?:let|var)\s+(\w+)"),
    ],
)
.with_modifiers(MODIFIERS, Some('@'));

pub(super) static ZIG: Patterns = Patterns::new(
    ".",
    &[
        line(Struct, r"^const\s+(\w+)\s*=\s*(?:extern\s+|packed\s+)?struct\b"),
        line(Enum, r"^const\s+(\w+)\s*=\s*enum\b"),
        line(Function, r"^fn\s+(\w+)"),
        line(Constant, r"^const\s+(\w+)"),
        line(Variable, r"^var\s+(\w+)"),
    ],
)
.with_modifiers(&["export", "extern", "inline", "noinline", "pub", "threadlocal"], None);
