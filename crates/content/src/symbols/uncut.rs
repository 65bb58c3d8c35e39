//! The tables of the languages whose grammar is used for their symbols alone: their texts are still cut as text, so
//! that chunks and vectors stay.

use super::record::DefinitionKind::{
    Class, Constant, Constructor, Enum, Field, Function, Interface, Method, Module, Struct, Trait, Type, Variant,
};
use super::record::ReferenceKind::{self, Call, Import};
use super::table::From::{self, Children, Names};
use super::table::Name::{Declared, First, Kind, Promoted, Scope, Told};
use super::table::{self, SymbolTable, define, named, refer};

const fn told(by: &'static str, all: bool, kind: super::record::DefinitionKind) -> table::Told {
    table::Told { by, all, kind }
}

pub(super) static C_SHARP: SymbolTable = SymbolTable::new(
    ".",
    &[
        named(Module, &["namespace_declaration"]),
        define(Module, Scope, &["file_scoped_namespace_declaration"]),
        named(Class, &["class_declaration", "record_declaration"]),
        named(Struct, &["struct_declaration"]),
        named(Interface, &["interface_declaration"]),
        named(Enum, &["enum_declaration"]),
        named(Variant, &["enum_member_declaration"]),
        named(Type, &["delegate_declaration"]),
        named(Method, &["method_declaration"]),
        named(Constructor, &["constructor_declaration"]),
        named(Function, &["local_function_statement"]),
        named(Field, &["property_declaration", "event_declaration"]),
        define(Field, Declared, &["field_declaration", "event_field_declaration"]),
    ],
    &[
        refer(Call, From::Field("function"), &["invocation_expression"]),
        refer(Call, From::Field("type"), &["object_creation_expression"]),
        refer(ReferenceKind::Type, From::Field("type"), &["parameter", "property_declaration", "variable_declaration"]),
        refer(ReferenceKind::Type, From::Field("returns"), &["method_declaration"]),
        refer(ReferenceKind::Type, From::Field("name"), &["attribute"]),
        refer(ReferenceKind::Type, Children, &["base_list", "type_argument_list"]),
        refer(Import, Children, &["using_directive"]),
    ],
    &["lambda_expression"],
)
.with_grammar("tree-sitter-c-sharp 0.23.5", || tree_sitter_c_sharp::LANGUAGE.into());

pub(super) static PHP: SymbolTable = SymbolTable::new(
    r"\",
    &[
        define(Module, Scope, &["namespace_definition"]),
        named(Class, &["class_declaration"]),
        named(Interface, &["interface_declaration"]),
        named(Trait, &["trait_declaration"]),
        named(Enum, &["enum_declaration"]),
        named(Variant, &["enum_case"]),
        named(Function, &["function_definition"]),
        named(Method, &["method_declaration"]),
        named(Field, &["property_element"]),
        define(Field, Promoted("name"), &["property_promotion_parameter"]),
        define(Constant, First("name"), &["const_element"]),
        define(Constant, Told(&[told("define", false, Constant)]), &["function_call_expression"]),
    ],
    &[
        refer(Call, From::Field("function"), &["function_call_expression"]),
        refer(
            Call,
            From::Field("name"),
            &["member_call_expression", "nullsafe_member_call_expression", "scoped_call_expression"],
        ),
        refer(Call, Children, &["object_creation_expression"]),
        refer(ReferenceKind::Type, Names, &["named_type"]),
        refer(ReferenceKind::Type, Children, &["base_clause", "class_interface_clause", "use_declaration"]),
        refer(Import, Names, &["namespace_use_clause"]),
    ],
    &["anonymous_function", "arrow_function"],
)
.with_members("::")
.with_grammar("tree-sitter-php 0.25.1", || tree_sitter_php::LANGUAGE_PHP.into());

pub(super) static RUBY: SymbolTable = SymbolTable::new(
    "::",
    &[
        named(Class, &["class"]),
        named(Module, &["module"]),
        named(Function, &["method", "singleton_method", "alias"]),
        define(Constant, Kind("left", "constant"), &["assignment"]),
        define(
            Method,
            Told(&[
                told("attr_accessor", true, Field),
                told("attr_reader", true, Field),
                told("attr_writer", true, Field),
                told("alias_method", false, Method),
                told("define_method", false, Method),
            ]),
            &["call"],
        ),
    ],
    &[refer(Call, From::Field("method"), &["call"]), refer(ReferenceKind::Type, From::Itself, &["constant"])],
    &["block", "do_block", "lambda"],
)
.with_grammar("tree-sitter-ruby 0.23.1", || tree_sitter_ruby::LANGUAGE.into());
