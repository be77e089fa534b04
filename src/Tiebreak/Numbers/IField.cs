namespace Tiebreak.Numbers;

/// <summary>
/// Arithmetic modulo a prime p between 2⁶⁰ and 2⁶¹. Elements are plain <see cref="ulong"/>s in [0, p) ("canonical"); results are canonical too, and what
/// an operation does with other values is undefined. Implementations are structs, and the code over them is generic in <c>TField : struct, IField</c>, so
/// that the JIT makes one specialised copy for each. Powers, inverses and images of floats are extensions, defined once for all fields.
/// </summary>
public interface IField
{
    /// <summary>The prime p.</summary>
    ulong Modulus { get; }

    /// <summary>left + right.</summary>
    ulong Add(ulong left, ulong right);

    /// <summary>left − right.</summary>
    ulong Subtract(ulong left, ulong right);

    /// <summary>−value.</summary>
    ulong Negate(ulong value);

    /// <summary>left · right.</summary>
    ulong Multiply(ulong left, ulong right);

    /// <summary>value · 2^exponent for any exponent, negative ones too: how floats find their image.</summary>
    ulong Scale(ulong value, int exponent);

    /// <summary>The element that any 64-bit number stands for.</summary>
    ulong Reduce(ulong value);

    /// <summary>The element that any unsigned 128-bit number stands for.</summary>
    ulong Reduce(UInt128 value);

    /// <summary>The element that any signed 128-bit number stands for.</summary>
    ulong Reduce(Int128 value);
}
