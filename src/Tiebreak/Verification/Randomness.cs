using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace Tiebreak.Verification;

/// <summary>Everything random of one verification, made from a key by SHA-256: whoever knows the key gets the same, nobody else can foresee it.</summary>
sealed class Randomness(byte[] key)
{
    const int PrimeBits = 120;
    const int Witnesses = 64; // of Miller and Rabin: a composite number survives with chance 4⁻⁶⁴ at most

    readonly byte[] _key = SHA256.HashData(key);

    /// <summary>Randomness of its own for a purpose.</summary>
    public Randomness For(string purpose) => new([.. _key, .. Encoding.UTF8.GetBytes(purpose)]);

    /// <summary>A random residue that depends on up to two numbers.</summary>
    public UInt128 Draw(Residues residues, UInt128 first, UInt128 second = default)
    {
        Span<byte> message = stackalloc byte[64];
        _key.CopyTo(message);
        BinaryPrimitives.WriteUInt128LittleEndian(message[32..], first);
        BinaryPrimitives.WriteUInt128LittleEndian(message[48..], second);
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(message, hash);
        // 256 bits modulo a prime of 120: as good as uniform.
        var high = BinaryPrimitives.ReadUInt128LittleEndian(hash) % residues.Prime;
        var low = BinaryPrimitives.ReadUInt128LittleEndian(hash[16..]) % residues.Prime;
        return residues.Add(residues.Multiply(high, residues.One), low);
    }

    /// <summary>A random prime of 120 bits.</summary>
    public UInt128 Prime()
    {
        for (var attempt = 0u; ; attempt++)
        {
            var candidate = Number(attempt, 0) | (UInt128.One << (PrimeBits - 1)) | 1;
            if (IsPrime(candidate, attempt)) return candidate;
        }
    }

    UInt128 Number(uint attempt, uint index)
    {
        var hash = SHA256.HashData([.. _key, .. BitConverter.GetBytes(attempt), .. BitConverter.GetBytes(index)]);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash) >> (128 - PrimeBits);
    }

    bool IsPrime(UInt128 candidate, uint attempt)
    {
        foreach (uint small in (ReadOnlySpan<uint>)[3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47])
            if (candidate % small == 0) return false;
        var number = (BigInteger)candidate;
        var twos = UInt128.TrailingZeroCount(candidate - 1);
        var odd = (BigInteger)((candidate - 1) >> (int)twos);
        for (uint k = 1; k <= Witnesses; k++)
        {
            var power = BigInteger.ModPow(2 + (BigInteger)Number(attempt, k) % (number - 3), odd, number);
            if (power.IsOne || power == number - 1) continue;
            var isComposite = true;
            for (var square = UInt128.One; square < twos && isComposite; square++)
            {
                power = BigInteger.ModPow(power, 2, number);
                isComposite = power != number - 1;
            }

            if (isComposite) return false;
        }

        return true;
    }
}
