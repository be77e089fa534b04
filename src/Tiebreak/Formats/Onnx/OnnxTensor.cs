using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx;

/// <summary>What the elements of a value are, as far as lowering cares.</summary>
enum ElementKind
{
    Float,
    Integer,
    Bool,
}

/// <summary>A tensor that stands in the file: exact numbers, or whole ones (a Boolean is 0 or 1).</summary>
sealed record OnnxTensor(Shape Shape, ElementKind Kind, ExactTensor? Floats, long[]? Integers);
