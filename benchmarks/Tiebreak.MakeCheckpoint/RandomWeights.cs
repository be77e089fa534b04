using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;

namespace Tiebreak.MakeCheckpoint;

/// <summary>
/// The random numbers of one tensor. Each is a function of its place, so any part can be made by itself, and a copied slice is made by asking for another place. They are nearly normal (sums of four uniform ones),
/// which is fast, and fine enough that chance makes no two float32 rows alike.
/// </summary>
public sealed class RandomWeights
{
    const ulong Golden = 0x9E3779B97F4A7C15; // Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014
    const float Spread = 37837.227f; // deviation of the sum of four numbers from 0 to 65535
    const float Mean = 2 * 65535f;

    readonly ulong _key;
    readonly float _scale;
    readonly float _center;

    /// <summary>Those of a tensor.</summary>
    public RandomWeights(string name, double deviation, double center, ulong seed)
    {
        _key = Mixed(seed + Golden);
        foreach (var symbol in Encoding.UTF8.GetBytes(name)) _key = Mixed(_key + symbol + Golden);
        (_scale, _center) = ((float)deviation / Spread, (float)center);
    }

    /// <summary>The number at a place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float At(long place)
    {
        var word = Mixed(_key + (ulong)place * Golden);
        var sum = (int)(word & 0xFFFF) + (int)(word >> 16 & 0xFFFF) + (int)(word >> 32 & 0xFFFF) + (int)(word >> 48);
        var fraction = (float)(int)(word * Golden >> 40) * (1f / (1 << 24)); // below the last place of the sum, so that numbers are not multiples of it
        return _center + (sum - Mean + fraction) * _scale;
    }

    /// <summary>Consecutive numbers as float32.</summary>
    public void Float32(long start, Span<byte> bytes)
    {
        for (var k = 0; k < bytes.Length / 4; k++) BinaryPrimitives.WriteSingleLittleEndian(bytes[(4 * k)..], At(start + k));
    }

    /// <summary>Consecutive numbers as bfloat16, the nearest, ties to even.</summary>
    public void BFloat16(long start, Span<byte> bytes)
    {
        for (var k = 0; k < bytes.Length / 2; k++)
        {
            var bits = BitConverter.SingleToUInt32Bits(At(start + k));
            BinaryPrimitives.WriteUInt16LittleEndian(bytes[(2 * k)..], (ushort)(bits + 0x7FFF + (bits >> 16 & 1) >> 16));
        }
    }

    /// <summary>Consecutive numbers as float16.</summary>
    public void Float16(long start, Span<byte> bytes)
    {
        for (var k = 0; k < bytes.Length / 2; k++) BinaryPrimitives.WriteHalfLittleEndian(bytes[(2 * k)..], (Half)At(start + k));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong Mixed(ulong word)
    {
        word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9;
        word = (word ^ word >> 27) * 0x94D049BB133111EB;
        return word ^ word >> 31;
    }
}
